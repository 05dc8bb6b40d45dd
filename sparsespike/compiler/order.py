"""Which channels share a tile, and which cluster computes a tile.

The lanes of a tile walk the same tokens and hand over together, so a tile takes as long as its
heaviest lane: channels are sorted by work, and neighbours in that order share a tile. Clusters run
side by side: tiles are dealt so that the clusters' sums are alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def group_channels(work: NDArray[np.int64], rows: int) -> list[NDArray[np.int64]]:
    """Channels of each of `rows` rows, heaviest row first; row sizes differ by at most one.

    work: (channels,) expected additions. Rows are empty where there are too few channels.
    """
    by_work = np.argsort(-work, kind="stable")
    return [np.asarray(part, np.int64) for part in np.array_split(by_work, rows)]


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
