"""One order of channels for all layers that write a tensor: exchanges between its rows.

A row's channels are shared by all its writers, which of them share a lane is not: each layer pairs
its heaviest channel with its lightest.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sparsespike.compiler.order import group_channels

_SWEEPS = 12
"""Times that all pairs of rows are looked at."""


def share_rows(
    work: NDArray[np.int64], floor: NDArray[np.int64], rows: int, lanes: int
) -> list[NDArray[np.int64]]:
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
def _cost(values: NDArray, size: int, lanes: int, floor: int) -> int:
    """Heaviest lane of `size` channels, `values` in falling order, best paired."""
    heaviest = max(values[0], floor)
    alone = 2 * lanes - size
    for k in range(max(alone, 0), lanes):
        pair = values[k] + values[size - 1 - (k - alone)]
        heaviest = max(heaviest, pair)
    return heaviest


@njit(cache=True)
def _without(values: NDArray, size: int, old: int, new: int, out: NDArray) -> None:
    """`values` in falling order with one `old` replaced by `new`."""
    source, filled, skipped = 0, 0, False
    placed = False
    while filled < size:
        if not skipped and source < size and values[source] == old:
            skipped = True
            source += 1
        elif not placed and (source >= size or new >= values[source]):
            out[filled] = new
            placed = True
            filled += 1
        else:
            out[filled] = values[source]
            source += 1
            filled += 1


@njit(cache=True)
def _sorted(work: NDArray, members: NDArray, size: int, out: NDArray) -> None:
    """Fills out, (layers, channels), with the work of a row's members in falling order."""
    for layer in range(len(out)):
        for i in range(size):
            value, place = work[members[i], layer], i
            while place > 0 and out[layer, place - 1] < value:
                out[layer, place] = out[layer, place - 1]
                place -= 1
            out[layer, place] = value


@njit(cache=True)
def _exchange(work: NDArray, floor: NDArray, members: NDArray, sizes: NDArray, lanes: int) -> None:
    """Exchanges members, (rows, channels), while it saves anything."""
    rows, widest = members.shape
    layers = work.shape[1]
    values = np.zeros((rows, layers, widest), work.dtype)
    cost = np.zeros((rows, layers), work.dtype)
    first, second = np.zeros(widest, work.dtype), np.zeros(widest, work.dtype)
    changes, tried = np.zeros(rows, np.int64), np.full((rows, rows, 2), -1)
    for row in range(rows):
        _sorted(work, members[row], sizes[row], values[row])
        for layer in range(layers):
            if sizes[row]:
                cost[row, layer] = _cost(values[row, layer], sizes[row], lanes, floor[layer])
    for _ in range(_SWEEPS):
        saved = False
        for a in range(rows):
            for b in range(a + 1, rows):
                if tried[a, b, 0] == changes[a] and tried[a, b, 1] == changes[b]:
                    continue
                best, best_i, best_j = 0, -1, -1
                for i in range(sizes[a]):
                    for j in range(sizes[b]):
                        change = 0
                        for layer in range(layers):
                            own, other = work[members[a, i], layer], work[members[b, j], layer]
                            if own == other:
                                continue
                            _without(values[a, layer], sizes[a], own, other, first)
                            _without(values[b, layer], sizes[b], other, own, second)
                            change += _cost(first, sizes[a], lanes, floor[layer])
                            change += _cost(second, sizes[b], lanes, floor[layer])
                            change -= cost[a, layer] + cost[b, layer]
                        if change < best:
                            best, best_i, best_j = change, i, j
                if best_i < 0:
                    tried[a, b, 0], tried[a, b, 1] = changes[a], changes[b]
                    continue
                saved = True
                kept = members[a, best_i]
                members[a, best_i] = members[b, best_j]
                members[b, best_j] = kept
                for row in (a, b):
                    changes[row] += 1
                    _sorted(work, members[row], sizes[row], values[row])
                    for layer in range(layers):
                        cost[row, layer] = _cost(
                            values[row, layer], sizes[row], lanes, floor[layer]
                        )
        if not saved:
            break
