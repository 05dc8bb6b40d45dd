"""Compiled neuron units and write-back: sums become spikes, and rows are stored. No times here."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.state import EngineNumbers, LayerNumbers, Memory
from sparsespike.contract.program import Output

TALLY = ("lif_updates", "spikes_fired", "rows_written", "rows_updated")
"""Counters of a kernel's `tally`, in its order."""
_LIF, _FIRED, _ROWS, _UPDATES = range(4)
_COUNT = int(Output.COUNT)
_ZERO, _ONE = np.uint64(0), np.uint64(1)


@njit(cache=True)
def _store(
    e: EngineNumbers,
    d: LayerNumbers,
    m: Memory,
    row: int,
    source: int,
    spikes: NDArray,
    merge: bool,
) -> None:
    """Writes a row of spikes: (adders,) words of `pitch` slots.

    merge: OR with the stored row. source: row of the counts to add to, -1 for none.
    """
    unit = min(e.chunk, e.pitch)
    mask = (_ONE << np.uint64(unit)) - _ONE if unit < 64 else ~_ZERO
    for part in range(e.pitch // unit):
        slot = row * e.pitch + part * unit
        word, place = slot // e.chunk, np.uint64(slot % e.chunk)
        keep = ~(mask << place)
        from_slot = source * e.pitch + part * unit
        from_word, from_place = from_slot // e.chunk, np.uint64(from_slot % e.chunk)
        for a in range(e.adders):
            bits = (spikes[a] >> np.uint64(part * unit)) & mask
            if d.output != _COUNT:
                if merge:
                    bits |= (m.spikes[word, 0, a] >> place) & mask
                m.spikes[word, 0, a] = (m.spikes[word, 0, a] & keep) | (bits << place)
                continue
            if merge:
                bits |= (m.counts[word, 0, a] >> place) & mask
            for plane in range(m.counts.shape[1]):
                old = _ZERO
                if source >= 0:
                    old = (m.counts[from_word, plane, a] >> from_place) & mask
                new = (old ^ bits) << place
                m.counts[word, plane, a] = (m.counts[word, plane, a] & keep) | new
                bits &= old


@njit(cache=True)
def _pool(
    e: EngineNumbers,
    d: LayerNumbers,
    m: Memory,
    n: int,
    g: int,
    row: int,
    spikes: NDArray,
    tally: NDArray,
) -> None:
    """Stores the row of position n in every pooled position it reaches."""
    y, x = n // d.width, n % d.width
    height, width = (d.height + 1) // 2, (d.width + 1) // 2
    for py in range(y // 2, min((y + 1) // 2 + 1, height)):
        for px in range(x // 2, min((x + 1) // 2 + 1, width)):
            merge = not (y == max(2 * py - 1, 0) and x == max(2 * px - 1, 0))
            target = ((py * width + px) * d.groups + g) * d.destination_rows + row
            _store(e, d, m, d.destination_base + target, -1, spikes, merge)
            tally[_ROWS] += 1
            tally[_UPDATES] += merge


@njit(cache=True)
def _fire(
    e: EngineNumbers,
    d: LayerNumbers,
    g: int,
    current: NDArray,
    bias: int,
    threshold: int,
    membrane: int,
    lane: int,
    spikes: NDArray,
) -> int:
    """Steps of group g of one channel: sets its bit in `spikes`; returns the membrane."""
    total = bias
    if d.pixel:
        for a in range(e.adders):
            total += current[a] << a
    for a in range(min(e.adders, d.time_steps - g * e.adders)):
        step = g * e.adders + a
        membrane += (total if d.pixel else current[a] + bias) << step
        if membrane << (d.time_steps - 1 - step) >= threshold:
            spikes[a] |= _ONE << np.uint64(lane)
            membrane = 0
    return membrane


@njit(cache=True)
def fire_layer(
    e: EngineNumbers,
    d: LayerNumbers,
    m: Memory,
    lanes: NDArray,
    rows: NDArray,
    bias: NDArray,
    threshold: NDArray,
    sums: NDArray,
    tally: NDArray,
) -> None:
    """Neurons of a layer of spikes or counts, stored.

    lanes, rows: (tiles,) active lanes and row offset; bias, threshold: (tiles, pitch); sums:
    (tiles, tokens * groups, pitch, adders). tally: (len(TALLY),), added to.
    """
    membrane = np.zeros(e.pitch, np.int64)
    spikes = np.zeros(e.adders, np.uint64)
    for t in range(len(lanes)):
        for n in range(d.tokens):
            membrane[:] = 0
            q = m.tokens[n] if d.use_list else n
            for g in range(d.groups):
                spikes[:] = _ZERO
                for j in range(lanes[t]):
                    membrane[j] = _fire(
                        e,
                        d,
                        g,
                        sums[t, n * d.groups + g, j],
                        bias[t, j],
                        threshold[t, j],
                        membrane[j],
                        j,
                        spikes,
                    )
                tally[_LIF] += lanes[t] * min(e.adders, d.time_steps - g * e.adders)
                for a in range(e.adders):
                    word = spikes[a]
                    while word != _ZERO:
                        word &= word - _ONE
                        tally[_FIRED] += 1
                if d.pool:
                    _pool(e, d, m, n, g, rows[t], spikes, tally)
                    continue
                place = (q * d.groups + g) * d.destination_rows + rows[t]
                source = d.residual_base + place if d.residual else -1
                _store(e, d, m, d.destination_base + place, source, spikes, False)
                tally[_ROWS] += 1
                tally[_UPDATES] += d.residual
