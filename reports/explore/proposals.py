"""Which points to evaluate next: the whole grid, a random part of it, or what Optuna asks for.

The search is a pure function of space, seed and outcomes: every trial has a seed of its own, and
points are chosen in batches of fixed size, so that neither the number of workers nor an
interruption changes which points are chosen.
"""

import hashlib
import itertools
import random
import warnings
from collections.abc import Hashable, Iterator, Sequence
from typing import Protocol

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.study import StudyDirection
from optuna.trial import Trial, TrialState, create_trial

from reports.explore.knobs import Value
from reports.explore.metrics import METRICS
from reports.explore.point import Point
from reports.explore.space import Space

BATCH = 2048
"""Points of a grid that are judged together: no search depends on it, but points of one batch that
differ in timing only share their work."""

_IDLE_BATCHES = 20
"""A search ends after so many batches without a new point: it has converged."""

_RANDOM_TRIES = 1000

Judgement = Sequence[float] | str
"""The objectives of a point, or the reason why it has none."""


class Proposals(Protocol):
    """Chooses points; after each batch it hears how they were judged."""

    study: optuna.Study

    def batch(self) -> list[Point]:
        """The next points, all kept by the constraints; empty at the end."""
        ...

    def tell(self, judgements: Sequence[Judgement]) -> None:
        """One judgement for each point of the last batch."""
        ...


def proposals(space: Space) -> Proposals:
    """The proposals of the space's sampler."""
    if space.search.sampler == "grid":
        return _Listed(space, space.combinations())
    if space.search.sampler == "random":
        return _Listed(space, _random_points(space))
    return _Asked(space)


def expected_points(space: Space) -> int:
    """Points that a search will evaluate, at most."""
    allowed = sum(map(space.allows, space.combinations())) if space.size() <= 10**6 else None
    if space.search.sampler == "grid":
        return space.size() if allowed is None else allowed
    return space.search.trials if allowed is None else min(space.search.trials, allowed)


def distributions(space: Space) -> dict[str, CategoricalDistribution]:
    """Optuna's view of the knobs."""
    return {knob.label: CategoricalDistribution(knob.values) for knob in space.knobs}


class _Listed:
    """Points known from the start."""

    def __init__(self, space: Space, points: Iterator[Point]) -> None:
        self.study = _memory_study(space)
        self._space = space
        self._points = filter(space.allows, points)
        self._last: list[Point] = []

    def batch(self) -> list[Point]:
        self._last = list(itertools.islice(self._points, BATCH))
        return self._last

    def tell(self, judgements: Sequence[Judgement]) -> None:
        space = distributions(self._space)
        for point, judgement in zip(self._last, judgements, strict=True):
            failed = isinstance(judgement, str)
            trial = create_trial(
                params=dict(zip(space, point.values, strict=True)),
                distributions=dict(space),
                state=TrialState.FAIL if failed else TrialState.COMPLETE,
                values=None if isinstance(judgement, str) else list(judgement),
                user_attrs={"reason": judgement} if failed else {},
            )
            self.study.add_trial(trial)


class _Asked:
    """Points that an evolutionary or a Bayesian sampler asks for."""

    def __init__(self, space: Space) -> None:
        self.study = _memory_study(space)
        self._space = space
        self._names = distributions(space)
        self._most = expected_points(space)
        self._last: list[tuple[Trial, Point]] = []
        self._seen: set[tuple[Value, ...]] = set()
        self._judged: dict[tuple[Value, ...], Judgement] = {}

    def batch(self) -> list[Point]:
        for _ in range(_IDLE_BATCHES):
            if len(self._seen) >= self._most:
                return []
            before = len(self._seen)
            self._last = list(self._ask_batch())
            if len(self._seen) > before:
                return [point for _, point in self._last]
            # Only points that were judged before: their judgements are on record.
            self.tell([self._judged[point.values] for _, point in self._last])
        return []

    def tell(self, judgements: Sequence[Judgement]) -> None:
        for (trial, point), judgement in zip(self._last, judgements, strict=True):
            self._judged[point.values] = judgement
            if isinstance(judgement, str):
                trial.set_user_attr("reason", judgement)
                self.study.tell(trial, state=TrialState.FAIL)
            else:
                self.study.tell(trial, list(judgement))
        self._last = []

    def _ask_batch(self) -> Iterator[tuple[Trial, Point]]:
        """Asks until a population is full or the budget of new points is used up."""
        for _ in range(self._space.search.population):
            if len(self._seen) >= self._most:
                return
            trial, point = self._ask()
            if self._space.allows(point):
                self._seen.add(point.values)
                yield trial, point
            else:
                trial.set_user_attr("reason", "the constraints exclude it")
                self.study.tell(trial, state=TrialState.FAIL)

    def _ask(self) -> tuple[Trial, Point]:
        number = len(self.study.get_trials(deepcopy=False))
        self.study.sampler = _sampler(self._space, number)
        trial = self.study.ask(dict(self._names))
        return trial, self._space.point(tuple(trial.params[name] for name in self._names))


def _memory_study(space: Space) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        directions=directions(space), study_name=study_name(space), sampler=_sampler(space, 0)
    )


def directions(space: Space) -> list[StudyDirection]:
    """Optuna's directions of the objectives."""
    up, down = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE
    return [up if METRICS[name].maximize else down for name in space.objectives]


def study_name(space: Space) -> str:
    """The study's name in a storage that several spaces share."""
    return f"{space.name or 'space'}-{space.hash[:8]}"


def _sampler(space: Space, number: int) -> optuna.samplers.BaseSampler:
    """The sampler for trial `number`: a fresh one, so that no state is lost with a process."""
    text = f"{space.search.seed}/{number}"
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if space.search.sampler == "nsga2":
            return optuna.samplers.NSGAIISampler(population_size=space.search.population, seed=seed)
        if space.search.sampler == "tpe":
            return optuna.samplers.TPESampler(
                multivariate=True,
                constant_liar=True,
                n_startup_trials=space.search.population,
                seed=seed,
            )
    return optuna.samplers.RandomSampler(seed=seed)


def _random_points(space: Space) -> Iterator[Point]:
    """Distinct allowed points, as many as the search wants and the space has.

    They are in random order, except that those of one shape follow each other.
    """
    shapes: dict[Hashable, list[Point]] = {}
    for point in _sample(space):
        shapes.setdefault(point.shape, []).append(point)
    return itertools.chain.from_iterable(shapes.values())


def _sample(space: Space) -> Iterator[Point]:
    """Distinct allowed points in random order."""
    rng = random.Random(space.search.seed)
    wanted = space.search.trials
    if space.size() <= 200_000:
        allowed = list(filter(space.allows, space.combinations()))
        yield from rng.sample(allowed, min(wanted, len(allowed)))
        return
    seen: set[tuple[Value, ...]] = set()
    for _ in range(wanted * _RANDOM_TRIES):
        if len(seen) >= wanted:
            return
        point = space.point(tuple(rng.choice(knob.values) for knob in space.knobs))
        if point.values not in seen and space.allows(point):
            seen.add(point.values)
            yield point
