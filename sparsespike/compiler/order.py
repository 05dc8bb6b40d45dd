"""Which channels share a lane and a tile, and which cluster computes a tile.

The lanes of a tile walk the same tokens and hand over together, so a tile takes as long as its
heaviest lane: lanes are sorted by work, and neighbours in that order share a tile. A lane of two
channels gets a heavy one and a light one. Clusters run side by side: tiles are dealt so that the
clusters' sums are alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def group_channels(work: NDArray[np.int64], rows: int, lanes: int) -> list[NDArray[np.int64]]:
    """Channels of each of `rows` rows, heaviest row first; row sizes differ by at most one.

    work: (channels,) expected additions. Channel v of a row is on lane v % lanes; a row has at most
    two channels a lane. Rows are empty where there are too few channels.
    """
    sizes = [len(part) for part in np.array_split(work, rows)]
    used = [min(size, lanes) for size in sizes]
    shared = [size - own for size, own in zip(sizes, used, strict=True)]
    by_work = np.argsort(-work, kind="stable")
    # The heaviest channels have a lane of their own where there are lanes enough.
    alone, heavy, light = np.split(by_work, [sum(used) - sum(shared), sum(used)])
    light = light[::-1]
    by_sum = np.argsort(-(work[heavy] + work[light]), kind="stable")
    heavy, light = heavy[by_sum], light[by_sum]
    found, first, single = [], 0, 0
    for lanes_used, pairs in zip(used, shared, strict=True):
        end, next_single = first + pairs, single + lanes_used - pairs
        row = heavy[first:end], alone[single:next_single], light[first:end]
        found.append(np.concatenate(row).astype(np.int64))
        first, single = end, next_single
    return found


def lane_loads(work: NDArray[np.int64], row: NDArray[np.int64], lanes: int) -> NDArray[np.int64]:
    """Work of each lane of a row: (lanes used,), or (lanes used, layers) if `work` has layers."""
    loads: NDArray[np.int64] = work[row[:lanes]].copy()
    loads[: len(row[lanes:])] += work[row[lanes:]]
    return loads


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
