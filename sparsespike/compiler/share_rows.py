"""One order of channels for all layers that write a tensor: exchanges between its rows.

A row's channels are shared by all its writers, which of them share a lane is not: each layer pairs
its heaviest channel with its lightest.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sparsespike.compiler.order import group_channels

Work = NDArray[np.int64]

_SWEEPS = 12
"""Times that all pairs of rows are looked at."""


def share_rows(work: Work, floor: Work, rows: int, lanes: int) -> list[Work]:
    """Channels of `rows` rows that several layers share: each costs its heaviest lane in each.

    work: (channels, layers) expected cycles of a lane; floor: (layers,) what a row costs at least.
    From rows of like total work on, channels of two rows are exchanged while that saves anything.
    """
    groups = group_channels(work.sum(axis=1), rows, lanes)
    sizes = np.array([len(group) for group in groups])
    members = np.full((rows, max(1, sizes.max())), -1, np.int64)
    for row, group in zip(members, groups, strict=True):
        row[: len(group)] = group
    _exchange(np.ascontiguousarray(work), floor, members, sizes, lanes)
    return [row[:size] for row, size in zip(members, sizes, strict=True)]


@njit(cache=True)
def _cost(values: Work, lanes: int, floor: int) -> int:
    """Heaviest lane of a row's channels, `values` in falling order, best paired."""
    size = len(values)
    heaviest = max(values[0], floor) if size else 0
    alone = max(2 * lanes - size, 0)
    for k in range(alone, min(lanes, size)):
        heaviest = max(heaviest, values[k] + values[size - 1 - (k - alone)])
    return heaviest


@njit(cache=True)
def _cost_with(others: Work, value: int, lanes: int, floor: int) -> int:
    """The same of `others`, in falling order, and one channel more."""
    size, place = len(others) + 1, 0
    while place < len(others) and others[place] > value:
        place += 1
    heaviest = max(value if place == 0 else others[0], floor)
    alone = max(2 * lanes - size, 0)
    for k in range(alone, min(lanes, size)):
        last = size - 1 - (k - alone)
        pair = value if k == place else others[k - (k > place)]
        pair += value if last == place else others[last - (last > place)]
        heaviest = max(heaviest, pair)
    return heaviest


@njit(cache=True)
def _without_each(work: Work, members: Work, values: Work) -> Work:
    """(members, layers, members - 1): `values` of a row, in falling order, without each member."""
    size = len(members)
    found = np.zeros((size, len(values), max(size - 1, 0)), np.int64)
    for i, member in enumerate(members):
        for layer in range(len(values)):
            place = np.searchsorted(-values[layer], -work[member, layer])
            found[i, layer, :place] = values[layer, :place]
            found[i, layer, place:] = values[layer, place + 1 :]
    return found


@njit(cache=True)
def _update(work: Work, floor: Work, members: Work, lanes: int, values: Work, cost: Work) -> None:
    """Computes values, (layers, channels), and cost, (layers,), of a row again."""
    for layer in range(len(cost)):
        values[layer] = -np.sort(-work[members, layer])
        cost[layer] = _cost(values[layer], lanes, floor[layer])


@njit(cache=True)
def _best(
    work: Work,
    floor: Work,
    lanes: int,
    members: tuple[Work, Work],
    values: tuple[Work, Work],
    now: int,
) -> tuple[int, int, int]:
    """What the best exchange between two rows costs them, and its places; (now, -1, -1) if none

    costs less than now.
    """
    own, other = members
    best = now, -1, -1
    own_rests = _without_each(work, own, values[0])
    other_rests = _without_each(work, other, values[1])
    for i, a in enumerate(own):
        for j, b in enumerate(other):
            cost = 0
            for layer in range(len(floor)):
                cost += _cost_with(own_rests[i, layer], work[b, layer], lanes, floor[layer])
                cost += _cost_with(other_rests[j, layer], work[a, layer], lanes, floor[layer])
                if cost >= best[0]:
                    break
            if cost < best[0]:
                best = cost, i, j
    return best


@njit(cache=True)
def _exchange(work: Work, floor: Work, members: Work, sizes: Work, lanes: int) -> None:
    """Exchanges members, (rows, channels), of which a row has `sizes`, while it saves anything."""
    rows, layers = len(members), len(floor)
    values = np.zeros((rows, layers, members.shape[1]), np.int64)
    cost = np.zeros((rows, layers), np.int64)
    # A pair that saved nothing saves nothing as long as neither row changes.
    changes, tried = np.zeros(rows, np.int64), np.full((rows, rows, 2), -1)
    for row in range(rows):
        n = sizes[row]
        _update(work, floor, members[row, :n], lanes, values[row, :, :n], cost[row])
    for _ in range(_SWEEPS):
        saved = False
        for a in range(rows):
            for b in range(a + 1, rows):
                if tried[a, b, 0] == changes[a] and tried[a, b, 1] == changes[b]:
                    continue
                own, other = members[a, : sizes[a]], members[b, : sizes[b]]
                pairs = values[a, :, : sizes[a]], values[b, :, : sizes[b]]
                now = cost[a].sum() + cost[b].sum()
                _, i, j = _best(work, floor, lanes, (own, other), pairs, now)
                if i < 0:
                    tried[a, b] = changes[a], changes[b]
                    continue
                saved = True
                own[i], other[j] = other[j], own[i]
                changes[a] += 1
                changes[b] += 1
                _update(work, floor, own, lanes, pairs[0], cost[a])
                _update(work, floor, other, lanes, pairs[1], cost[b])
        if not saved:
            break
