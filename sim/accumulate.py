"""Compiled function of the lanes: the sums of a layer's walk over the weights of all its tiles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.bits import lowest
from sim.state import EngineNumbers, LayerNumbers
from sim.stream import TileArrays
from sim.walk import Walk
from sparsespike.contract.program import Operation

_ZERO, _ONE = np.uint64(0), np.uint64(1)
_BLOCK = 64
"""Beats of a block of `hit_layer`."""


class LayerWeights(NamedTuple):
    """Weights of all tiles of a layer, by slot of its mask words.

    dense: (mask words * chunk, tiles * pitch), 0 where a mask has none; lanes: (mask words * chunk,
    tiles) those whose mask has the slot, one bit each; holders: (mask words * chunk,) how many.
    """

    dense: NDArray[np.int8]
    lanes: NDArray[np.uint64]
    holders: NDArray[np.int64]


def layer_weights(e: EngineNumbers, d: LayerNumbers, tiles: TileArrays) -> LayerWeights:
    """The weights of layer `d`."""
    ends = np.append(tiles.first_mask, len(tiles.masks))
    count = d.tiles if d.operation == Operation.MATMUL else 0
    own = range(d.first_tile, d.first_tile + count)
    words = max(((ends[t + 1] - ends[t]) // tiles.lanes[t] for t in own), default=0)
    dense = np.zeros((words * e.chunk, count * e.pitch), np.int8)
    lanes = np.zeros((words * e.chunk, count), np.uint64)
    holders = np.zeros(words * e.chunk, np.int64)
    for t in own:
        first, end = tiles.offsets[ends[t]], tiles.offsets[ends[t + 1]]
        counts = np.diff(tiles.offsets[ends[t] : ends[t + 1] + 1])
        word, lane = np.divmod(np.repeat(np.arange(len(counts)), counts), tiles.lanes[t])
        places = word * e.chunk + np.log2(tiles.slots[first:end]).astype(np.int64)
        dense[places, (t - d.first_tile) * e.pitch + lane] = tiles.weights[first:end]
        bits = np.left_shift(_ONE, lane.astype(np.uint64))
        np.bitwise_or.at(lanes, (places, t - d.first_tile), bits)
        np.add.at(holders, places, 1)
    return LayerWeights(dense, lanes, holders)


@njit(cache=True, nogil=True)
def hit_layer(e: EngineNumbers, walk: Walk, weights: LayerWeights, hits: NDArray) -> None:
    """Fills `hits`, uint64 (tiles, beats): the lanes whose masks a beat's bitmap meets.

    Beats are taken in blocks that fit a cache: one by one, each would touch every row.
    """
    tiles, beats = hits.shape
    block = np.zeros((_BLOCK, tiles), np.uint64)
    for start in range(0, beats, _BLOCK):
        count = min(_BLOCK, beats - start)
        block[:] = 0
        for i in range(count):
            line, word = block[i], walk.bitmap[start + i]
            first = walk.mask[start + i] * e.chunk
            while word != _ZERO:
                own = weights.lanes[first + lowest(word)]
                word &= word - _ONE
                for tile in range(tiles):
                    line[tile] |= own[tile]
        for tile in range(tiles):
            for i in range(count):
                hits[tile, start + i] = block[i, tile]


@njit(cache=True, nogil=True)
def sum_layer(e: EngineNumbers, walk: Walk, weights: LayerWeights, sums: NDArray) -> int:
    """Fills `sums`, int32 (walks, adders, tiles * pitch): those at the end of each walk.

    Returns the additions, in all lanes.
    """
    sums[:] = 0
    row, additions = 0, 0
    for beat in range(len(walk.last)):
        first, shift = walk.mask[beat] * e.chunk, walk.shift[beat]
        for a in range(e.adders):
            low = walk.steps[beat, a * e.digit_bits]
            high = walk.steps[beat, a * e.digit_bits + 1] if e.digit_bits == 2 else _ZERO
            word = low | high
            total = sums[row, a]
            while word != _ZERO:
                slot = np.uint64(lowest(word))
                word &= word - _ONE
                place = first + np.int64(slot)
                digit = np.int64(low >> slot & _ONE) + 2 * np.int64(high >> slot & _ONE)
                scale = digit << shift
                additions += weights.holders[place]
                line = weights.dense[place]
                if scale == 1:  # most of them; faster without the product
                    for column in range(len(total)):
                        total[column] += line[column]
                    continue
                for column in range(len(total)):
                    total[column] += line[column] * scale
        row += walk.last[beat]
    return additions
