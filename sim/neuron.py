"""Compiled neuron units and write-back: sums become spikes, and rows are stored. No times here."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.bits import lowest, ones
from sim.state import EngineNumbers, LayerNumbers, Memory
from sparsespike.contract.program import Output

TALLY = ("lif_updates", "spikes_fired", "rows_written", "rows_updated")
"""Counters of a kernel's `tally`, in its order."""
_LIF, _FIRED, _ROWS, _UPDATES = range(4)
_COUNT = int(Output.COUNT)
_REACH = 2
_ZERO = np.uint64(0)


@njit(cache=True)
def _store(
    words: NDArray,
    pitch: int,
    chunk: int,
    row: int,
    source: int,
    spikes: NDArray,
    merge: bool,
) -> None:
    """Writes a row of spikes, (adders,) words of `pitch` slots, to a memory of `chunk` slots.

    merge: OR with the stored row. source: row of the counts to add to, -1 for none.
    """
    unit, chunk_bits = min(chunk, pitch), lowest(np.uint64(chunk))
    mask = ~_ZERO >> np.uint64(64 - unit)
    for part in range(0, pitch, unit):
        slot, from_slot = row * pitch + part, source * pitch + part
        word, place = slot >> chunk_bits, np.uint64(slot & (chunk - 1))
        from_word, from_place = from_slot >> chunk_bits, np.uint64(from_slot & (chunk - 1))
        keep = ~(mask << place)
        for a in range(len(spikes)):
            bits = (spikes[a] >> np.uint64(part)) & mask
            if merge:
                bits |= (words[word, 0, a] >> place) & mask
            for plane in range(words.shape[1]):
                old = _ZERO
                if source >= 0:
                    old = (words[from_word, plane, a] >> from_place) & mask
                new = (old ^ bits) << place
                words[word, plane, a] = (words[word, plane, a] & keep) | new
                bits &= old


@njit(cache=True)
def _targets(d: LayerNumbers, n: int, targets: NDArray, merges: NDArray) -> int:
    """Fills the pooled positions that the row of position n reaches, 0 to 2; returns how many.

    merges: the stored row counts as well.
    """
    y, x = n // d.width, n % d.width
    if x % 2 == 0 and x != d.width - 1:
        return 0
    height, width = (d.height + 1) // 2, (d.width + 1) // 2
    count = 0
    for py in range(y // 2, min((y + 1) // 2 + 1, height)):
        targets[count] = py * width + x // 2
        merges[count] = d.split > 0 or y != max(2 * py - 1, 0)
        count += 1
    return count


@njit(cache=True)
def _merge(x: int, spikes: NDArray, held: NDArray) -> None:
    """ORs the rows held since the last odd x, that one included, into `spikes`; holds the row."""
    for a in range(len(spikes)):
        own = spikes[a]
        if x > 0:
            spikes[a] |= held[a]
        held[a] = own if x & 1 else spikes[a]


def clear_seams(e: EngineNumbers, d: LayerNumbers, m: Memory) -> None:
    """Clears a pooled map whose rows bands share."""
    words = m.counts if d.output == _COUNT else m.spikes
    first = d.destination_base * e.pitch // e.chunk
    words[first : first + d.seam_lines * (max(e.chunk, e.pitch) // e.chunk)] = 0


@njit(cache=True)
def _fire(
    step: int,
    left: int,
    current: NDArray,
    threshold: NDArray,
    membrane: NDArray,
    fired: NDArray,
) -> None:
    """One step of all channels, `step` after the first and `left` before the last one.

    Sets `fired` and updates `membrane`.
    """
    for j in range(len(membrane)):
        value = membrane[j] + (current[j] << step)
        fires = (value << left) >= threshold[j]
        membrane[j] = 0 if fires else value
        fired[j] = fires


@njit(cache=True)
def _currents(pixel: int, bias: NDArray, sums: NDArray, a: int, current: NDArray) -> None:
    """Currents of step `a` of a group from its sums, (adders, channels); those of pixels: once."""
    if not pixel:
        line = sums[a]
        for j in range(len(current)):
            current[j] = bias[j] + line[j]
    elif a == 0:
        for b in range(len(sums)):
            before = bias if b == 0 else current
            line = sums[b]
            for j in range(len(current)):
                current[j] = before[j] + (line[j] << b)


@njit(cache=True)
def _gather(fired: NDArray, lanes: int, first: int, places: NDArray, spikes: NDArray) -> int:
    """Fills spikes, (adders,), with words of `lanes` channels from `first` on; returns ones.

    places: of the channels in their word.
    """
    count = 0
    line_places = places[first : first + lanes]
    for a in range(len(spikes)):
        word, line = _ZERO, fired[a, first : first + lanes]
        for lane in range(lanes):
            word |= np.uint64(line[lane]) << line_places[lane]
        spikes[a] = word
        count += ones(word)
    return count


@njit(cache=True, nogil=True)
def fire_layer(
    e: EngineNumbers,
    d: LayerNumbers,
    m: Memory,
    order: NDArray,
    lanes: NDArray,
    rows: NDArray,
    bias: NDArray,
    threshold: NDArray,
    places: NDArray,
    sums: NDArray,
    tally: NDArray,
) -> None:
    """Neurons of a layer of spikes or counts, stored.

    order: (tokens,) positions in the order of the walk; lanes, rows: (tiles,) active lanes and row
    offset; bias, threshold, places (in the row): (tiles * pitch,); sums: int32 (tokens * groups,
    adders, tiles * pitch) in that order. tally: (len(TALLY),), added to.
    """
    channels, count = len(bias), 1
    membrane, current = np.zeros(channels, np.int64), np.zeros(channels, np.int64)
    fired = np.zeros((e.adders, channels), np.uint8)
    spikes = np.zeros(e.adders, np.uint64)
    targets, merges = np.zeros(_REACH, np.int64), np.zeros(_REACH, np.bool_)
    held = np.zeros((len(lanes), d.groups, e.adders), np.uint64)
    words = m.counts if d.output == _COUNT else m.spikes
    lif, ones_fired, written, updated = 0, 0, 0, 0
    for place, n in enumerate(order):
        membrane[:] = 0
        targets[0] = m.tokens[n] if d.use_list else n
        if d.pool:
            count = _targets(d, n, targets, merges)
        for g in range(d.groups):
            steps = min(e.adders, d.time_steps - g * e.adders)
            for a in range(steps):
                _currents(d.pixel, bias, sums[place * d.groups + g], a, current)
                step = g * e.adders + a
                _fire(step, d.time_steps - 1 - step, current, threshold, membrane, fired[a])
            fired[steps:] = 0
            for t in range(len(lanes)):
                lif += lanes[t] * steps
                ones_fired += _gather(fired, lanes[t], t * e.pitch, places, spikes)
                if d.pool:
                    _merge(n % d.width, spikes, held[t, g])
                for i in range(count):
                    stored = (targets[i] * d.groups + g) * d.destination_rows + rows[t]
                    source = d.residual_base + stored if d.residual else -1
                    row = d.destination_base + stored
                    _store(words, e.pitch, e.chunk, row, source, spikes, merges[i])
                    updated += merges[i] or source >= 0
                written += count
    tally[_LIF] += lif
    tally[_FIRED] += ones_fired
    tally[_ROWS] += written
    tally[_UPDATES] += updated
