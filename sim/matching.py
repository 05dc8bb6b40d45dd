"""Compiled function of the lanes: matches of every beat with every mask, and the sums they give."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.state import EngineNumbers, LayerNumbers
from sim.stream import TileArrays
from sim.walk import Walk

TALLY = ("queue_entries", "weights_read", "additions")
"""Counters of `Matches.tally`, in its order."""
_ZERO = np.uint64(0)


class Matches(NamedTuple):
    """What the lanes of a layer's tiles meet.

    entering: (tiles, beats) lanes whose queue each beat enters; lanes, counts: (tiles, entries)
    lane and matches of each of these entries, beat by beat; sums: (tiles, rows, pitch, adders) at
    the end of each walk; tally: (len(TALLY),).
    """

    entering: NDArray[np.uint8]
    lanes: NDArray[np.uint8]
    counts: NDArray[np.uint8]
    sums: NDArray[np.int64]
    tally: NDArray[np.int64]


def match_layer(e: EngineNumbers, d: LayerNumbers, tiles: TileArrays, walk: Walk) -> Matches:
    """All tiles of a layer against its walk."""
    beats, rows = len(walk.last), int(walk.last.sum())
    matches = Matches(
        entering=np.empty((d.tiles, beats), np.uint8),
        lanes=np.empty((d.tiles, beats * e.lanes), np.uint8),
        counts=np.empty((d.tiles, beats * e.lanes), np.uint8),
        sums=np.zeros((d.tiles, rows, e.pitch, e.adders), np.int64),
        tally=np.zeros(len(TALLY), np.int64),
    )
    _match(e, d, tiles, walk, matches)
    return matches


@njit(cache=True)
def _match(
    e: EngineNumbers, d: LayerNumbers, tiles: TileArrays, walk: Walk, matches: Matches
) -> None:
    """Fills `matches`."""
    pushes, met, additions = 0, 0, 0
    for t in range(d.tiles):
        lanes = tiles.lanes[d.first_tile + t]
        row, entry = 0, 0
        for beat in range(len(walk.last)):
            bitmap, last, shift = walk.bitmap[beat], int(walk.last[beat]), walk.shift[beat]
            first = tiles.first_mask[d.first_tile + t] + walk.mask[beat] * lanes
            before, steps, sums = entry, walk.steps[beat], matches.sums[t, row]
            for lane in range(lanes):
                count = 0
                if bitmap & tiles.masks[first + lane] != _ZERO:
                    for i in range(tiles.offsets[first + lane], tiles.offsets[first + lane + 1]):
                        slot, weight = tiles.slots[i], tiles.weights[i] << shift
                        count += (bitmap & slot) != _ZERO
                        for a in range(e.adders):
                            spike = (steps[a] & slot) != _ZERO
                            sums[lane, a] += weight * spike
                            additions += spike
                elif not last:
                    continue
                matches.lanes[t, entry] = lane
                matches.counts[t, entry] = count
                entry += 1
                met += count
            matches.entering[t, beat] = entry - before
            row += last
        pushes += entry
    matches.tally[0] += pushes
    matches.tally[1] += met
    matches.tally[2] += additions
