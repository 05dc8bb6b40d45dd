"""The walk of a layer: its scans and beats in order, the same for every tile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.state import EngineNumbers, LayerNumbers, Memory
from sparsespike.contract.program import Accumulate, Operation

_GROUP, _TOKEN = int(Accumulate.GROUP), int(Accumulate.TOKEN)
_NEAR = 9
_ZERO = np.uint64(0)


class Walk(NamedTuple):
    """Scans and beats of a layer.

    beats: (scans,) beats of each scan, 0 if it is silent. Of each beat: bitmap of its non-silent
    slots, steps (adders x digit bits words, an adder's low bits first), mask word index, shift, and
    last: 1 if it ends a walk.
    order: (tokens,) the positions, band after band. before: (tokens + 1, 2) scans and beats before
    each place in that order.
    """

    beats: NDArray[np.uint8]
    bitmap: NDArray[np.uint64]
    steps: NDArray[np.uint64]
    mask: NDArray[np.int64]
    shift: NDArray[np.int64]
    last: NDArray[np.uint8]
    order: NDArray[np.int64]
    before: NDArray[np.int64]


def most_scans(d: LayerNumbers) -> int:
    """Scans of a walk of layer `d`, if every neighbour is inside."""
    if d.operation != Operation.MATMUL:
        return 0
    return d.tokens * d.groups * (_NEAR if d.convolution else 1) * d.chunks


def most_beats(e: EngineNumbers, d: LayerNumbers) -> int:
    """Beats of a walk of layer `d`, if nothing is silent."""
    return most_scans(d) * -(-d.planes // e.digit_bits)


def new_walk(e: EngineNumbers, layers: Sequence[LayerNumbers]) -> Walk:
    """Room for the walk of any of `layers`."""
    scans = max(most_scans(d) for d in layers)
    beats = max(most_beats(e, d) for d in layers)
    return Walk(
        beats=np.zeros(scans, np.uint8),
        bitmap=np.zeros(beats, np.uint64),
        steps=np.zeros((beats, e.adders * e.digit_bits), np.uint64),
        mask=np.zeros(beats, np.int64),
        shift=np.zeros(beats, np.int64),
        last=np.zeros(beats, np.uint8),
        order=np.zeros(max(d.tokens for d in layers), np.int64),
        before=np.zeros((max(d.tokens for d in layers) + 1, 2), np.int64),
    )


def walk_layer(e: EngineNumbers, d: LayerNumbers, m: Memory, walk: Walk) -> Walk:
    """The walk over the stored words of `m`, in the room of `walk`."""
    scans, beats = _walk(e, d, m, walk)
    of_beats = (array[:beats] for array in walk[1:-2])
    places = walk.order[: d.tokens], walk.before[: d.tokens + 1]
    return Walk(walk.beats[:scans], *of_beats, *places)


@njit(cache=True)
def _order(d: LayerNumbers, order: NDArray[np.int64]) -> None:
    """Fills `order`; see `Walk`."""
    place, bands = 0, 1 << d.split
    for band in range(bands):
        for y in range(band, d.tokens // d.width, bands):
            for x in range(d.width):
                order[place] = y * d.width + x
                place += 1


@njit(cache=True, nogil=True)
def _walk(e: EngineNumbers, d: LayerNumbers, m: Memory, walk: Walk) -> tuple[int, int]:
    """Fills `walk`; returns its scans and beats."""
    source = m.counts if d.source_counts else m.spikes
    step = 1 << d.split
    first, mask = np.empty(_NEAR, np.int64), np.empty(_NEAR, np.int64)
    scan, beat = 0, 0
    _order(d, walk.order)
    for place in range(d.tokens):
        n = walk.order[place]
        walk.before[place] = scan, beat
        band_ends = n // d.width + step >= d.tokens // d.width and n % d.width == d.width - 1
        for g in range(d.groups):
            ends = d.accumulate == _GROUP or (
                g == d.groups - 1 and (d.accumulate == _TOKEN or band_ends)
            )
            count = _near(d, m, n, g, first, mask)
            for i in range(count):
                for c in range(d.chunks):
                    last = ends and i == count - 1 and c == d.chunks - 1
                    position = mask[i] if d.pixel else mask[i] + c
                    shift = c * e.adders if d.pixel else 0
                    before = beat
                    for plane in range(0, d.planes, e.digit_bits):
                        walk.bitmap[beat] = bitmap = _digit(
                            e, source[first[i] + c], plane, walk.steps[beat]
                        )
                        walk.mask[beat] = position
                        walk.shift[beat] = shift + plane
                        walk.last[beat] = 0
                        beat += bitmap != _ZERO
                    if last:
                        beat = max(beat, before + 1)
                        walk.last[beat - 1] = 1
                    walk.beats[scan] = beat - before
                    scan += 1
    walk.before[d.tokens] = scan, beat
    return scan, beat


@njit(cache=True)
def _digit(e: EngineNumbers, word: NDArray, plane: int, steps: NDArray) -> np.uint64:
    """Fills `steps` with the digit of `word` (planes, adders) from `plane` on; its bitmap."""
    bitmap = _ZERO
    for bit in range(e.digit_bits):
        beyond = plane + bit >= len(word)  # the highest digit may have fewer bits
        for a in range(e.adders):
            value = _ZERO if beyond else word[plane + bit, a]
            steps[a * e.digit_bits + bit] = value
            bitmap |= value
    return bitmap


@njit(cache=True)
def _near(
    d: LayerNumbers, m: Memory, n: int, g: int, first: NDArray[np.int64], mask: NDArray[np.int64]
) -> int:
    """First word and first mask word of every neighbour of position n; returns how many."""
    if not d.convolution:
        q = m.tokens[n] if d.use_list else n
        first[0] = d.source_base + (q * d.groups + g) * d.source_stride
        mask[0] = 0
        return 1
    count, above = 0, n // d.width - 1
    before = n - (above + 1) * d.width - 1
    for index in range(_NEAR):
        y, x = above + index // 3, before + index % 3
        inside = 0 <= y < d.height and 0 <= x < d.width
        if not inside and not d.pixel:
            continue
        q = y * d.width + x
        if d.pixel:
            first[count] = d.source_base + q * d.source_stride if inside else m.pad_word
            mask[count] = index
        else:
            first[count] = d.source_base + (q * d.groups + g) * d.source_stride
            mask[count] = index * d.chunks
        count += 1
    return count
