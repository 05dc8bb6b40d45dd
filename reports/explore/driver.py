"""The run itself: points are proposed, evaluated where they are not known yet, and judged."""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reports.explore.dispatch import Dispatch
from reports.explore.knobs import Value
from reports.explore.outcome import Outcome, Score, engine_hash, outcome_key, score_key
from reports.explore.point import Point
from reports.explore.pool import Pool, Shared, Task
from reports.explore.proposals import Judgement
from reports.explore.space import Space
from reports.explore.store import Store
from reports.explore.table import Evaluated, Pricer
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerNetwork

TRIES = 3
"""A task whose workers died is sent out so often; Dask gives it four workers each time."""

_SCORE = "score-"

Pixels = NDArray[np.uint8]
Advance = Callable[[int, str], None]
"""Called with (points done, what is being done)."""


class Networks(Protocol):
    """The networks of a space."""

    def variant(self, knobs: Mapping[str, Value]) -> IntegerNetwork:
        """The network with these knobs; ContractError with the reason where there is none."""
        ...


@dataclass(frozen=True, eq=False)
class Workload:
    """What is run at every point.

    Attributes:
        evaluate: (network, engine, images) -> Outcome; classify: (network, engine, images, labels)
            -> Score. Both importable by workers.
        images: uint8 (N, H, W, C). labelled, labels: those for accuracy, or none of them.
        code: hash of the code that decides outcomes.
    """

    networks: Networks
    evaluate: Callable[[IntegerNetwork, EngineConfig, Pixels], Outcome]
    classify: Callable[[IntegerNetwork, EngineConfig, Pixels, NDArray[np.int64]], Score]
    images: Pixels
    images_hash: str
    labelled: Pixels
    labels: NDArray[np.int64]
    labelled_hash: str
    code: str


@dataclass
class Tally:
    """What a run did: points evaluated, taken from the store, and given up; keys of all points."""

    new: int = 0
    reused: int = 0
    lost: int = 0
    keys: set[str] = field(default_factory=set)


class Driver:
    """Evaluates points of one space, each at most once for ever.

    progress is called after every point.
    """

    def __init__(
        self, space: Space, workload: Workload, *, store: Store, pool: Pool, progress: Advance
    ) -> None:
        self.tally = Tally()
        self._space = space
        self._work = workload
        self._store = store
        self._pool = pool
        self._progress = progress
        self._networks: dict[tuple[tuple[str, Value], ...], Shared | str] = {}

    def evaluate(self, points: Sequence[Point]) -> list[Evaluated]:
        """The points with their outcomes, in the same order; a lost point's is infeasible."""
        keys = [self._key(point) for point in points]
        wanted = dict(zip(keys, points, strict=True))
        waiting = {key: p for key, p in wanted.items() if not self._settled(key, p)}
        for _ in range(TRIES):
            self._run(self._groups(list(wanted.values()), waiting))
            waiting = {key: p for key, p in waiting.items() if self._store.outcome(key) is None}
        self.tally.reused += len(points) - len(wanted)
        self.tally.keys.update(key for key in keys if key not in waiting)
        self.tally.lost += len(waiting)
        return [self._evaluated(p, key, waiting) for p, key in zip(points, keys, strict=True)]

    def recorded(self, points: Sequence[Point]) -> list[Evaluated]:
        """Those of the points whose outcome is on record, without evaluating any."""
        keys = [self._key(point) for point in points]
        known = [self._store.outcome(key) is not None for key in keys]
        pairs = [
            pair for pair, yes in zip(zip(points, keys, strict=True), known, strict=True) if yes
        ]
        return [self._evaluated(point, key, ()) for point, key in pairs]

    def network(self, point: Point) -> IntegerNetwork:
        """The network of a feasible point."""
        shared = self._network(point.network)
        if isinstance(shared, str):
            raise ContractError(shared)
        network: IntegerNetwork = shared.value
        return network

    def _settled(self, key: str, point: Point) -> bool:
        """Whether no worker is needed: known already, or refused before any program is made."""
        if self._store.outcome(key) is not None:
            self.tally.reused += 1
            self._progress(1, "known")
            return True
        reason = self._refusal(point)
        if reason:
            self._done(key, Outcome(reason=reason))
        return bool(reason)

    def _refusal(self, point: Point) -> str:
        network = self._network(point.network)
        if isinstance(network, str):
            return network
        try:
            point.config()
        except ContractError as error:
            return str(error)
        return ""

    def _groups(
        self, points: Sequence[Point], waiting: Mapping[str, Point]
    ) -> Iterator[list[Task]]:
        """What is still to be done: network by network, and points of one shape together.

        points: all whose networks need an accuracy; waiting: those that need an outcome, by key.
        """
        networks: dict[str, Shared] = {}
        shapes: dict[str, dict[Hashable, list[Task]]] = {}
        for knobs in [{}, *(point.network for point in points)]:
            network = self._network(knobs)
            if isinstance(network, Shared):
                networks.setdefault(network.hash, network)
                shapes.setdefault(network.hash, {})
        for key, point in waiting.items():
            network = self._network(point.network)
            assert isinstance(network, Shared)
            arguments = point.config(), self._work.images
            task = Task(key, self._work.evaluate, network, arguments)
            shapes[network.hash].setdefault(point.shape, []).append(task)
        for hash_, network in networks.items():
            yield from self._scoring(network)
            yield from shapes[hash_].values()

    def _scoring(self, network: Shared) -> Iterator[list[Task]]:
        """The task that measures a network's accuracy, if it has none yet."""
        if len(self._work.labelled) and self._store.score(self._score_key(network.hash)) is None:
            arguments = self._space.base_engine, self._work.labelled, self._work.labels
            yield [Task(f"{_SCORE}{network.hash}", self._work.classify, network, arguments)]

    def _run(self, groups: Iterable[list[Task]]) -> None:
        """Evaluates on the pool and stores what comes back; tasks whose workers died do not."""
        dispatch = Dispatch(groups)
        while True:
            while (chosen := dispatch.next(self._pool.slots())) is not None:
                self._pool.submit(*chosen)
            if not dispatch.busy:
                return
            finished = self._pool.finished()
            dispatch.done(finished.key)
            if finished.lost:
                continue
            if finished.key.startswith(_SCORE):
                network = finished.key.removeprefix(_SCORE)
                self._store.put_score(self._score_key(network), finished.result)
                self._progress(0, "accuracy")
            else:
                self._done(finished.key, finished.result)

    def _done(self, key: str, outcome: Outcome) -> None:
        self._store.put_outcome(key, outcome)
        self.tally.new += 1
        self._progress(1, "evaluated")

    def judgement(self, row: Evaluated, pricer: Pricer) -> Judgement:
        """The objectives of an evaluated point, or the reason why it has none."""
        if row.outcome.reason:
            return row.outcome.reason
        figures = pricer.figures(row)
        return [float(figures[name]) for name in self._space.objectives]

    def _evaluated(self, point: Point, key: str, lost: Collection[str]) -> Evaluated:
        outcome = None if key in lost else self._store.outcome(key)
        network = self._network(point.network)
        hash_ = "" if isinstance(network, str) else network.hash
        own = self._network({})
        base = "" if isinstance(own, str) else own.hash
        return Evaluated(
            point=point,
            key=key,
            engine_hash=engine_hash(point),
            network_hash=hash_,
            outcome=outcome or Outcome(reason="its workers died: run the same command again"),
            score=self._store.score(self._score_key(hash_)),
            base=self._store.score(self._score_key(base)),
        )

    def _network(self, knobs: Mapping[str, Value]) -> Shared | str:
        """The network with `knobs`, or the reason why there is none."""
        key = tuple(sorted(knobs.items()))
        if key not in self._networks:
            try:
                network = self._work.networks.variant(knobs)
                self._networks[key] = Shared(network.content_hash(), network)
            except ContractError as error:
                self._networks[key] = str(error)
        return self._networks[key]

    def _key(self, point: Point) -> str:
        network = self._network(point.network)
        return outcome_key(
            engine=engine_hash(point),
            network=network if isinstance(network, str) else network.hash,
            images=self._work.images_hash,
            code=self._work.code,
        )

    def _score_key(self, network: str) -> str:
        return score_key(network=network, images=self._work.labelled_hash, code=self._work.code)
