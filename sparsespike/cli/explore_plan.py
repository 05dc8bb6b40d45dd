"""What an exploration will take: points and minutes, before it begins."""

import copy
import itertools
import math
import time
from collections.abc import Iterable
from typing import NamedTuple

from reports.explore.driver import Driver, Workload
from reports.explore.point import Point
from reports.explore.proposals import expected_points
from reports.explore.space import Space
from reports.explore.store import Store
from sparsespike.contract.errors import ContractError
from sparsespike.contract.timing import TIMING_FIELDS

_COUNTED = 20_000
_TRIED = 30
_SCORED = 8


class Plan(NamedTuple):
    """points: of the search; known: of these, on record; seconds: of one point, by the clock."""

    points: int
    known: int
    networks: int
    seconds: float
    accuracy_seconds: float
    workers: int

    @property
    def minutes(self) -> float:
        """Expected minutes of all workers together."""
        work = (self.points - self.known) * self.seconds + self.accuracy_seconds
        return work / self.workers / 60

    def line(self, space: Space) -> str:
        """One line for people."""
        most = "" if space.search.sampler == "grid" else f" of {space.size():,} combinations"
        known = f", {self.known:,} known already" if self.known else ""
        return (
            f"{self.points:,} points{most} ({space.search.sampler}){known}; "
            f"{self.networks} network{'s' if self.networks != 1 else ''}; {self.workers} "
            f"worker{'s' if self.workers != 1 else ''}: about {_minutes(self.minutes)}"
        )


def plan(
    space: Space, work: Workload, *, driver: Driver | None, store: Store | None, workers: int
) -> Plan:
    """Measures one point, unless the store knows how long points take."""
    points = expected_points(space)
    known = 0
    if driver is not None and space.search.sampler == "grid" and points <= _COUNTED:
        known = len(driver.recorded(list(filter(space.allows, space.combinations()))))
    networks = _networks(space)
    seconds = store.mean_seconds() if store is not None else None
    if seconds is None:
        seconds = _measured(
            work,
            itertools.islice(filter(space.allows, space.combinations()), _TRIED),
            _sharing(space, points),
        )
    accuracy = 0.0 if points == known else networks * _accuracy_seconds(space, work)
    return Plan(points, known, networks, seconds, accuracy, workers)


def _networks(space: Space) -> int:
    count = 1
    for values in space.network.values():
        count *= len(values)
    return count


def _measured(work: Workload, points: Iterable[Point], sharing: float) -> float:
    """Seconds of the first point that is feasible; 0 if none of those tried is.

    sharing: points that differ in timing only, so that the second of them costs less.
    """
    for point in points:
        try:
            network = work.networks.variant(point.network)
            engine = point.config()
        except ContractError:
            continue
        # The first run also loads the compiled kernels.
        if not work.evaluate(network, engine, work.images).reason:
            # Nothing is prepared for a copy.
            fresh = copy.copy(network)
            first = work.evaluate(fresh, engine, work.images).seconds
            again = work.evaluate(fresh, engine, work.images).seconds
            return again + (first - again) / sharing
    return 0.0


def _accuracy_seconds(space: Space, work: Workload) -> float:
    """Seconds that the accuracy of one network takes, by its first images."""
    few = slice(0, _SCORED)
    images, labels = work.labelled[few], work.labels[few]
    if not len(images):
        return 0.0
    started = time.perf_counter()
    work.classify(work.networks.variant({}), space.base_engine, images, labels)
    return (time.perf_counter() - started) / len(images) * len(work.labelled)


def _sharing(space: Space, points: int) -> float:
    """Points of a search that have one shape, on average."""
    values = (len(knob.values) for knob in space.knobs if knob.name in TIMING_FIELDS)
    return max(1.0, math.prod(values) * points / space.size())


def _minutes(minutes: float) -> str:
    if minutes < 1:
        return f"{max(1, round(minutes * 60))} s"
    return f"{minutes:.1f} min" if minutes < 10 else f"{minutes:,.0f} min"
