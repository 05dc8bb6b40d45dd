"""Compiled timing of one layer: loader, broadcast, lanes, neuron unit, write-back as recurrences.

One file, since Numba's cache does not see edits of a kernel that another file holds. docs/engine.md
states the rules; cycles are absolute, cycle 0 is the start write. What the layer computes is not
known here, only how many matches each beat has in each lane.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.bits import lowest, ones
from sim.state import ClusterState, EngineNumbers, LayerNumbers
from sim.stream import TileArrays
from sim.walk import Walk
from sparsespike.contract.program import Output

TALLY = (
    "chunks_scanned",
    "chunks_skipped",
    "chunks_broadcast",
    "mask_words_read",
    "broadcast_stalls",
    "broadcast_idle",
    "lane_output_stalls",
    "row_stalls",
    "queue_entries",
    "weights_read",
)
"""Counters of a kernel's `tally`, in its order."""
_SCANS, _SKIPS, _BEATS, _MASKS, _STALLS, _IDLE, _HELD, _CREDIT, _PUSHES, _READ = range(10)
_HEAD = int(Output.HEAD)
_ZERO, _ONE = np.uint64(0), np.uint64(1)

TAKE, WRITE, ROWS, FIRST_ROW = range(4)
"""Columns of `ClusterState.unit`: last take, last write-back operation, next row credit, and, from
FIRST_ROW on, the end of the write-back of the most recent rows, one for each row credit."""


@njit(cache=True)
def _load_tile(
    e: EngineNumbers,
    tiles: TileArrays,
    t: int,
    first: int,
    times: NDArray,
    s: ClusterState,
    team: range,
) -> int:
    """Cycle in which the last beat of tile t has been stored, in all clusters of `team`.

    Its first beat is `first`; fills the times of its beats. A beat keeps the loader for the cycles
    that `tiles.steps` names.
    """
    free = 0
    for k in team:
        free = max(free, s.half_free[k, s.loads[k] & 1] + e.free_latency)
        s.loads[k] += 1
    end = first + tiles.beats[t]
    for beat in range(first, end):
        if beat % e.burst_beats == 0:
            address = s.burst[0] + 1
            if beat >= e.outstanding * e.burst_beats:
                address = max(address, times[beat - (e.outstanding - 1) * e.burst_beats - 1] + 1)
            s.burst[0] = address
        time = max(s.burst[0] + e.memory_latency, s.burst[1] + e.memory_interval, s.burst[2])
        if beat > first:
            time = max(time, free)
        times[beat] = time
        s.burst[1] = time
        s.burst[2] = time + tiles.steps[beat]
    return s.burst[2] - 1


@njit(cache=True)
def _complete(
    e: EngineNumbers, unit: NDArray, k: int, take: int, operations: int, slots: int
) -> int:
    """Cycle of the take that completes a row, `take` or later; its write-back is scheduled.

    slots: cycles from one of the cluster's write slots to the next.
    """
    row = FIRST_ROW + unit[ROWS]
    take = max(take, unit[row] + 1)
    first = max(take + e.neuron_latency, unit[WRITE] + 1)
    first += (k - first) % slots
    unit[WRITE] = first + (operations - 1) * slots
    unit[row] = unit[WRITE]
    unit[ROWS] = unit[ROWS] + 1 if unit[ROWS] + 1 < e.row_credits else 0
    return take


@njit(cache=True)
def _operations(d: LayerNumbers, n: int) -> int:
    """Write-back operations of the row of position n, with a pool; 0 if the row is only held."""
    y, x = n // d.width, n % d.width
    if x % 2 == 0 and x != d.width - 1:
        return 0
    return 1 + ((y & 1) & ((y + 1) // 2 < (d.height + 1) // 2))


@njit(cache=True)
def _issues(e: EngineNumbers, bitmap: np.uint64, mask: np.uint64) -> int:
    """Weights that a lane reads of a mask word of a channel in a beat."""
    matches = bitmap & mask
    if e.serial and matches != _ZERO:
        return ones(mask)
    return ones(matches)


@njit(cache=True)
def _time_tile(
    e: EngineNumbers,
    d: LayerNumbers,
    channels: int,
    masks: NDArray,
    walk: Walk,
    hits: NDArray,
    s: ClusterState,
    k: int,
    places: range,
    tally: NDArray,
) -> None:
    """A tile's walk over a band through broadcast register, lanes and neuron unit of cluster k.

    channels: those of the tile; channel v is on lane v % e.lanes. masks: those of the tile, (mask
    words * channels,); hits: (beats,) channels that a beat meets; places: those of the band's
    positions in the walk.
    """
    starts, ring, room = s.starts[k], s.place[k], s.room[k]
    finish, takes, unit = s.finish[k], s.take[k], s.unit[k]
    lanes, paired = min(channels, e.lanes), channels > e.lanes
    size = 1 if d.output == _HEAD else channels
    end, stages, gap = np.uint64(e.fifo - 1), e.broadcast_stages, s.gap[size]
    all_lanes = ~_ZERO >> np.uint64(64 - lanes)
    upper, beyond = np.uint64(e.lanes), np.uint64(channels)
    entered, left = s.entered[k], s.left[k]
    skips, stalls, idle, pushes, met = 0, 0, 0, 0, 0
    first_scan, beat = walk.before[places.start]
    first_beat, row, full = beat, places.start * d.groups, room.max()
    scans = walk.before[places.stop, 0] - first_scan
    for scan in range(first_scan, first_scan + scans):
        entered += 1
        stand = max(entered + stages, left + 1)
        idle += stand - left - 1
        left = stand
        skips += walk.beats[scan] == 0
        for index in range(walk.beats[scan]):
            left += index > 0
            bitmap, first = walk.bitmap[beat], walk.mask[beat] * channels
            line = masks[first : first + channels]
            entering = hits[beat]
            if paired:
                entering = (entering | entering >> upper) & all_lanes
            if walk.last[beat]:
                entering = all_lanes
            if left < full:
                earliest, waiting = left, entering
                while waiting != _ZERO:
                    left = max(left, room[np.uint64(lowest(waiting))])
                    waiting &= waiting - _ONE
                stalls += left - earliest
            pushes += ones(entering)
            while entering != _ZERO:
                lane = np.uint64(lowest(entering))
                entering &= entering - _ONE
                start = max(left + 2, finish[lane] + 1)
                count = _issues(e, bitmap, line[lane])
                if lane + upper < beyond:
                    count += _issues(e, bitmap, line[lane + upper])
                met += count
                finish[lane] = start + max(count, 1) - 1
                place = ring[lane]
                starts[lane, place] = start
                place = place + _ONE if place != end else _ZERO
                ring[lane] = place
                room[lane] = starts[lane, place]
                full = max(full, room[lane])
            if walk.last[beat]:
                operations = _operations(d, walk.order[row // d.groups]) if d.pool else 1
                _end_walk(e, k, channels, size, gap, operations, unit, finish, takes, tally)
                row += 1
            beat += 1
    s.entered[k], s.left[k] = entered, left
    tally[_SKIPS] += skips
    tally[_STALLS] += stalls
    tally[_IDLE] += idle
    tally[_PUSHES] += pushes
    tally[_READ] += met
    tally[_SCANS] += scans
    tally[_BEATS] += beat - first_beat
    tally[_MASKS] += scans * channels


@njit(cache=True)
def _end_walk(
    e: EngineNumbers,
    k: int,
    channels: int,
    size: int,
    gap: int,
    operations: int,
    unit: NDArray,
    finish: NDArray,
    takes: NDArray,
    tally: NDArray,
) -> None:
    """The lanes end a walk, each once its output is free; the neuron unit takes their channels.

    size: takes of a row, `gap` cycles after the last, which then needs `operations` of write-back;
    with none it takes no row credit.
    """
    previous, held, waited = unit[TAKE], 0, 0
    for lane in range(min(channels, e.lanes)):
        wait = max(0, takes[lane] + 1 - finish[lane])
        finish[lane] += wait
        held += wait
    for channel in range(channels):
        lane = channel if channel < e.lanes else channel - e.lanes
        first = size == 1 or channel == 0
        take = max(finish[lane] + e.lane_latency, previous + (gap if first else 1))
        previous = take
        if operations > 0 and (size == 1 or channel == channels - 1):
            previous = _complete(e, unit, k, take, operations, e.slots)
            waited += previous - take
        takes[lane] = previous
    unit[TAKE] = previous
    tally[_HELD] += held
    tally[_CREDIT] += waited


@njit(cache=True, nogil=True)
def matmul_layer(
    e: EngineNumbers,
    d: LayerNumbers,
    tiles: TileArrays,
    walk: Walk,
    hits: NDArray,
    s: ClusterState,
    go: int,
    first_beat: int,
    times: NDArray,
    tally: NDArray,
) -> int:
    """Times a matmul from its `go` cycle on; returns the first beat of the next layer's tiles.

    hits: (tiles, beats), see `sim.accumulate`. times: cycle of each weight beat, filled up to the
    layer's last. tally: (len(TALLY),), added to.
    """
    for k in range(e.clusters):
        s.entered[k] = go
        s.left[k] = go
    teams = e.clusters >> d.split
    for t in range(d.tiles):
        tile = d.first_tile + t
        team = range(t % teams, teams << d.split, teams)
        loaded = _load_tile(e, tiles, tile, first_beat, times, s, team)
        first_beat += tiles.beats[tile]
        masks = tiles.masks[tiles.first_mask[tile] :]
        for k in team:
            s.entered[k] = max(s.entered[k], loaded + e.load_latency - 1)
            places = _band(d, k // teams)
            _time_tile(e, d, tiles.lanes[tile], masks, walk, hits[t], s, k, places, tally)
            s.half_free[k, (s.loads[k] - 1) & 1] = s.unit[k, TAKE]
    return first_beat


@njit(cache=True)
def _band(d: LayerNumbers, band: int) -> range:
    """Places of a band's positions in the walk. The first bands may have a row more."""
    rows, bands = d.tokens // d.width, 1 << d.split
    first = band * (rows // bands) + min(band, rows % bands)
    count = rows // bands + (band < rows % bands)
    return range(first * d.width, (first + count) * d.width)


@njit(cache=True, nogil=True)
def attention_layer(
    e: EngineNumbers,
    d: LayerNumbers,
    s: ClusterState,
    go: int,
    keys: NDArray,
    queries: NDArray,
    tally: NDArray,
) -> None:
    """Times of an attention layer; keys, queries: (heads, visits) spikes of a visit."""
    outputs = d.head_words * e.chunk
    for k in range(e.attention_units):
        time = go + 1
        for head in range(k, d.heads, e.attention_units):
            time += e.attention_head + d.groups * outputs * e.step_places
            for visit in range(keys.shape[1]):
                time += 2 * d.head_words + e.attention_read + keys[head, visit]
            time += e.attention_head
            for visit in range(queries.shape[1]):
                time += d.head_words + e.attention_read + queries[head, visit]
                time += e.attention_drain
                time = _take_slots(e, k, time, outputs, s.gap[e.pitch], s.unit[k], tally) + 1


@njit(cache=True)
def _take_slots(
    e: EngineNumbers, k: int, ready: int, outputs: int, gap: int, unit: NDArray, tally: NDArray
) -> int:
    """Last take of an attention visit's outputs, one a cycle ready from `ready` on."""
    previous = unit[TAKE]
    for j in range(outputs):
        take = max(ready + j, previous + (gap if j % e.pitch == 0 else 1))
        previous = take
        if j % e.pitch == e.pitch - 1:
            previous = _complete(e, unit, k, take, 1, e.attention_slots)
            tally[_CREDIT] += previous - take
    unit[TAKE] = previous
    return previous
