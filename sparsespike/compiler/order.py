"""Which channels share a tile, and which cluster computes a tile.

The lanes of a tile walk the same tokens and hand over together, so a tile takes as long as its
heaviest lane: channels are sorted by work, and neighbours in that order share a tile. Clusters run
side by side: tiles are dealt so that the clusters' sums are alike.
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

_SWEEPS = 8
"""Times that all pairs of rows are looked at."""


def group_channels(work: NDArray[np.int64], rows: int) -> list[NDArray[np.int64]]:
    """Channels of each of `rows` rows, heaviest row first; row sizes differ by at most one.

    work: (channels,) expected additions. Rows are empty where there are too few channels.
    """
    by_work = np.argsort(-work, kind="stable")
    return [np.asarray(part, np.int64) for part in np.array_split(by_work, rows)]


def share_rows(
    work: NDArray[np.int64], floor: NDArray[np.int64], rows: int
) -> list[NDArray[np.int64]]:
    """Channels of `rows` rows that several layers share: each costs its heaviest lane in each.

    work: (channels, layers) expected cycles of a lane; floor: (layers,) what a row costs at least.
    From rows of like total work on, channels are exchanged between two rows while that saves most.
    """
    found = [_Row(work, floor, part) for part in group_channels(work.sum(axis=1), rows)]
    some = [row for row in found if row.channels.size]
    # A pair that saved nothing saves nothing as long as neither row changes.
    tried: dict[tuple[int, int], tuple[int, int]] = {}
    for _ in range(_SWEEPS):
        saved = False
        for a, one in enumerate(some):
            for b in range(a + 1, len(some)):
                other = some[b]
                now = one.changes, other.changes
                if tried.get((a, b)) == now:
                    continue
                if _exchange(one, other):
                    saved = True
                else:
                    tried[a, b] = now
        if not saved:
            break
    return [row.channels for row in found]


class _Row:
    """The channels of a row, and what it costs: changes counts its exchanges.

    cost: (layers,) of the whole row; rest: (channels, layers) without each of its channels; own:
    (channels, layers) each one's work.
    """

    def __init__(
        self, work: NDArray[np.int64], floor: NDArray[np.int64], channels: NDArray[np.int64]
    ) -> None:
        self._work, self._floor = work, floor
        self.channels = channels
        self.changes = -1
        if channels.size:
            self.update()

    def update(self) -> None:
        """Computes everything again after `channels` changed."""
        self.changes += 1
        self.own = self._work[self.channels]
        self.cost = np.maximum(self.own.max(axis=0), self._floor)
        self.rest = np.maximum(_without(self.own), self._floor)


def _exchange(one: _Row, other: _Row) -> bool:
    """Makes the best exchange of a channel of either row, if one saves anything."""
    # (channels of one, channels of other, layers)
    first = np.maximum(one.rest[:, None], other.own[None])
    second = np.maximum(other.rest[None], one.own[:, None])
    cost = np.add(first, second, out=first).sum(axis=2)
    i, j = divmod(int(cost.argmin()), cost.shape[1])
    if cost[i, j] >= (one.cost + other.cost).sum():
        return False
    one.channels[i], other.channels[j] = other.channels[j], one.channels[i]
    one.update()
    other.update()
    return True


def _without(work: NDArray[np.int64]) -> NDArray[np.int64]:
    """(channels, layers): the heaviest of all channels but this one."""
    highest = work.max(axis=0)
    rest = np.where(np.arange(len(work))[:, None] == work.argmax(axis=0), 0, work).max(axis=0)
    others: NDArray[np.int64] = np.where(
        np.arange(len(work))[:, None] == work.argmax(axis=0), rest, highest
    )
    return others


def deal_tiles(cost: NDArray[np.int64], clusters: int) -> NDArray[np.int64]:
    """Stream order of tiles: entry i is the tile at place i, which cluster i % clusters computes.

    The heaviest tile left goes to the cluster with the least load that has a place left; each
    cluster computes its tiles in that order, heaviest first.
    """
    tiles = len(cost)
    stream = np.zeros(tiles, np.int64)
    # Clusters by load that have a place left, and the place.
    heap = [(0, k, k) for k in range(min(clusters, tiles))]
    for tile in np.argsort(-cost, kind="stable").tolist():
        load, cluster, place = heap[0]
        stream[place] = tile
        if place + clusters < tiles:
            heapq.heapreplace(heap, (load + int(cost[tile]), cluster, place + clusters))
        else:
            heapq.heappop(heap)
    return stream
