"""Which channels share a tile, and which cluster computes a tile.

The lanes of a tile walk the same tokens and hand over together, so a tile takes as long as its
heaviest lane: channels are sorted by work, and neighbours in that order share a tile. Clusters run
side by side: tiles are dealt so that the clusters' sums are alike.
"""

from __future__ import annotations

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
    found = group_channels(work.sum(axis=1), rows)
    for _ in range(_SWEEPS):
        saved = [
            _exchange(work, floor, found, a, b)
            for a in range(rows)
            for b in range(a + 1, rows)
            if found[a].size and found[b].size
        ]
        if not any(saved):
            break
    return found


def _exchange(
    work: NDArray[np.int64],
    floor: NDArray[np.int64],
    rows: list[NDArray[np.int64]],
    a: int,
    b: int,
) -> bool:
    """Makes the best exchange of a channel of row a and one of row b, if one saves anything."""
    one, other = work[rows[a]], work[rows[b]]
    now = np.maximum(one.max(axis=0), floor) + np.maximum(other.max(axis=0), floor)
    # (channels of a, channels of b, layers)
    first = np.maximum(np.maximum(_without(one), floor)[:, None], other[None])
    second = np.maximum(np.maximum(_without(other), floor)[None], one[:, None])
    cost = (first + second).sum(axis=2)
    i, j = np.unravel_index(int(cost.argmin()), cost.shape)
    if cost[i, j] >= now.sum():
        return False
    rows[a][i], rows[b][j] = rows[b][j], rows[a][i]
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
    load = [0] * clusters
    places = [list(range(k, tiles, clusters)) for k in range(clusters)]
    for tile in np.argsort(-cost, kind="stable").tolist():
        cluster = min((k for k in range(clusters) if places[k]), key=lambda k: (load[k], k))
        stream[places[cluster].pop(0)] = tile
        load[cluster] += int(cost[tile])
    return stream
