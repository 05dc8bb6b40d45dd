"""Which channels share a lane and a tile, and which cluster computes a tile.

The lanes of a tile walk the same tokens and hand over together, so a tile takes as long as its
heaviest lane: lanes are sorted by work, and neighbours in that order share a tile. A lane of two
channels gets a heavy one and a light one. Clusters run side by side: tiles are dealt so that the
clusters' sums are alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SWEEPS = 8
"""Times that all pairs of rows are looked at."""


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


def share_rows(
    work: NDArray[np.int64], floor: NDArray[np.int64], rows: int, lanes: int
) -> list[NDArray[np.int64]]:
    """Channels of `rows` rows that several layers share: each costs its heaviest lane in each.

    work: (channels, layers) expected cycles of a lane; floor: (layers,) what a row costs at least.
    From rows of like total work on, lanes, and second channels of lanes, are exchanged between two
    rows while that saves most.
    """
    found = group_channels(work.sum(axis=1), rows, lanes)
    for _ in range(_SWEEPS):
        saved = [
            exchange(work, floor, found[a], found[b], lanes)
            for a in range(rows)
            for b in range(a + 1, rows)
            if found[a].size and found[b].size
            for exchange in (_exchange_lanes, _exchange_seconds)
        ]
        if not any(saved):
            break
    return found


def _exchange_lanes(
    work: NDArray[np.int64],
    floor: NDArray[np.int64],
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    lanes: int,
) -> bool:
    """Makes the best exchange of a lane of row a and one of row b, if one saves anything."""
    if max(len(a), len(b)) > lanes and min(len(a), len(b)) < 2 * lanes:
        return False  # lanes of one and of two channels: an exchange would tear pairs apart
    one, other = lane_loads(work, a, lanes), lane_loads(work, b, lanes)
    # (lanes of a, lanes of b, layers)
    place = _best(one, other, floor, into_one=other[None], into_other=one[:, None])
    if place is None:
        return False
    i, j = place
    for first, second in ((i, j), (i + lanes, j + lanes)):
        if first < len(a) and second < len(b):
            a[first], b[second] = b[second], a[first]
    return True


def _exchange_seconds(
    work: NDArray[np.int64],
    floor: NDArray[np.int64],
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    lanes: int,
) -> bool:
    """The same of the second channels of a lane of row a and one of row b."""
    if min(len(a), len(b)) <= lanes:
        return False
    one, other = lane_loads(work, a, lanes), lane_loads(work, b, lanes)
    seconds, others = work[a[lanes:]], work[b[lanes:]]
    change = others[None] - seconds[:, None]
    one_new = one[: len(seconds), None] + change
    other_new = other[None, : len(others)] - change
    place = _best(one, other, floor, into_one=one_new, into_other=other_new)
    if place is None:
        return False
    i, j = place
    a[lanes + i], b[lanes + j] = b[lanes + j], a[lanes + i]
    return True


def _best(
    one: NDArray[np.int64],
    other: NDArray[np.int64],
    floor: NDArray[np.int64],
    *,
    into_one: NDArray[np.int64],
    into_other: NDArray[np.int64],
) -> tuple[int, int] | None:
    """Lanes (i, j) whose new loads save most, None if no exchange saves anything.

    one, other: (lanes, layers) loads of two rows; into_one, into_other: loads that lane i of one
    and lane j of the other would have, in axes (i, j, layers).
    """
    into_one, into_other = np.broadcast_arrays(into_one, into_other)
    now = np.maximum(one.max(axis=0), floor) + np.maximum(other.max(axis=0), floor)
    without_one = np.maximum(_without(one), floor)[: into_one.shape[0], None]
    without_other = np.maximum(_without(other), floor)[None, : into_other.shape[1]]
    cost = (np.maximum(without_one, into_one) + np.maximum(without_other, into_other)).sum(axis=2)
    i, j = np.unravel_index(int(cost.argmin()), cost.shape)
    return (int(i), int(j)) if cost[i, j] < now.sum() else None


def _without(loads: NDArray[np.int64]) -> NDArray[np.int64]:
    """(lanes, layers): the heaviest of all lanes but this one."""
    highest = loads.max(axis=0)
    heaviest = np.arange(len(loads))[:, None] == loads.argmax(axis=0)
    rest = np.where(heaviest, 0, loads).max(axis=0)
    others: NDArray[np.int64] = np.where(heaviest, rest, highest)
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
