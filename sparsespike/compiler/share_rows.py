"""One order of channels for all layers that write a tensor: exchanges between its rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sparsespike.compiler.order import group_channels, lane_loads

_SWEEPS = 8
"""Times that all pairs of rows are looked at."""


def share_rows(
    work: NDArray[np.int64], floor: NDArray[np.int64], rows: int, lanes: int
) -> list[NDArray[np.int64]]:
    """Channels of `rows` rows that several layers share: each costs its heaviest lane in each.

    work: (channels, layers) expected cycles of a lane; floor: (layers,) what a row costs at least.
    From rows of like total work on, lanes, and second channels of lanes, are exchanged between two
    rows while that saves most.
    """
    groups = group_channels(work.sum(axis=1), rows, lanes)
    found = [_Row(work, floor, channels, lanes) for channels in groups]
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
                if any([_exchange_lanes(one, other), _exchange_seconds(one, other)]):
                    saved = True
                else:
                    tried[a, b] = now
        if not saved:
            break
    return [row.channels for row in found]


class _Row:
    """The channels of a row, and what it costs: changes counts its exchanges.

    cost: (layers,) of the whole row; loads: (lanes used, layers); rest: the same without each of
    its lanes; seconds: (lanes of two channels, layers) work of their second channels.
    """

    def __init__(
        self,
        work: NDArray[np.int64],
        floor: NDArray[np.int64],
        channels: NDArray[np.int64],
        lanes: int,
    ) -> None:
        self._work, self._floor = work, floor
        self.channels, self.lanes = channels, lanes
        self.changes = -1
        if channels.size:
            self.update()

    def update(self) -> None:
        """Computes everything again after `channels` changed."""
        self.changes += 1
        self.loads = lane_loads(self._work, self.channels, self.lanes)
        self.seconds = self._work[self.channels[self.lanes :]]
        self.cost = np.maximum(self.loads.max(axis=0), self._floor)
        self.rest = np.maximum(_without(self.loads), self._floor)


def _exchange_lanes(one: _Row, other: _Row) -> bool:
    """Makes the best exchange of a lane of either row, if one saves anything."""
    sizes = len(one.channels), len(other.channels)
    if max(sizes) > one.lanes and min(sizes) < 2 * one.lanes:
        return False  # lanes of one and of two channels: an exchange would tear pairs apart
    first = np.maximum(one.rest[:, None], other.loads[None])
    second = np.maximum(other.rest[None], one.loads[:, None])
    place = _best(one, other, first, second)
    if place is None:
        return False
    i, j = place
    a, b, lanes = one.channels, other.channels, one.lanes
    a[i::lanes], b[j::lanes] = b[j::lanes].copy(), a[i::lanes].copy()
    one.update()
    other.update()
    return True


def _exchange_seconds(one: _Row, other: _Row) -> bool:
    """The same of the second channels of a lane of either row."""
    if not (one.seconds.size and other.seconds.size):
        return False
    count, others = len(one.seconds), len(other.seconds)
    change = other.seconds[None] - one.seconds[:, None]
    first = np.maximum(one.rest[:count, None], one.loads[:count, None] + change)
    second = np.maximum(other.rest[None, :others], other.loads[None, :others] - change)
    place = _best(one, other, first, second)
    if place is None:
        return False
    i, j = place[0] + one.lanes, place[1] + one.lanes
    one.channels[i], other.channels[j] = other.channels[j], one.channels[i]
    one.update()
    other.update()
    return True


def _best(
    one: _Row, other: _Row, first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[int, int] | None:
    """The exchange (i, j) that saves most, None if none saves anything.

    first, second: (places of one, places of other, layers) cost of either row after it.
    """
    cost = np.add(first, second, out=first).sum(axis=2)
    i, j = divmod(int(cost.argmin()), cost.shape[1])
    return (i, j) if cost[i, j] < (one.cost + other.cost).sum() else None


def _without(loads: NDArray[np.int64]) -> NDArray[np.int64]:
    """(lanes, layers): the heaviest of all lanes but this one."""
    highest = loads.max(axis=0)
    heaviest = np.arange(len(loads))[:, None] == loads.argmax(axis=0)
    rest = np.where(heaviest, 0, loads).max(axis=0)
    others: NDArray[np.int64] = np.where(heaviest, rest, highest)
    return others
