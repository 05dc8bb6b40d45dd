"""Outcomes priced and put into one table: a row per point, units in the names of the columns."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.accuracy.confidence import wilson_interval
from reports.energy import event_prices, standing_prices
from reports.explore.metrics import METRICS
from reports.explore.outcome import Outcome, Score
from reports.explore.pareto import non_dominated
from reports.explore.point import Point
from reports.explore.space import Space
from reports.resources import estimate
from reports.technology import Technology
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.counters import COUNTERS

_CYCLES = COUNTERS.index("cycles")


@dataclass(frozen=True)
class Evaluated:
    """A point with its outcome; `base` is the accuracy of the network that no knob touched."""

    point: Point
    key: str
    engine_hash: str
    network_hash: str
    outcome: Outcome
    score: Score | None = None
    base: Score | None = None


class Pricer:
    """Turns counters into figures under one energy table and for one device family."""

    def __init__(self, technology: Technology, target: str) -> None:
        self._technology = technology
        self._target = target
        self._priced: dict[tuple[str, Score | None, Score | None], dict[str, float]] = {}

    def figures(self, evaluated: Evaluated) -> Mapping[str, float]:
        """Means over the images, their extremes, resources and accuracy of a feasible point."""
        # A search asks for the same point several times: to judge it, and for every table.
        name = evaluated.key, evaluated.score, evaluated.base
        if name not in self._priced:
            self._priced[name] = self._price(evaluated)
        return self._priced[name]

    def _price(self, evaluated: Evaluated) -> dict[str, float]:
        engine = evaluated.point.config()
        counters = np.array(evaluated.outcome.counters, np.int64)
        cycles = counters[:, _CYCLES]
        microjoule = counters @ self._prices(engine) * 1e-6
        size = estimate(engine, self._target)
        milliseconds = cycles.mean() / (engine.clock_mhz * 1e3)
        return {
            "fps": 1e3 / milliseconds,
            "latency_ms": milliseconds,
            "energy_uj": microjoule.mean(),
            "lut": size.lut,
            "ff": size.ff,
            "bram": size.bram,
            "dsp": size.dsp,
            **_accuracy(evaluated.score, evaluated.base),
            "cycles_per_image": cycles.mean(),
            "cycles_least": cycles.min(),
            "cycles_most": cycles.max(),
            "energy_uj_least": microjoule.min(),
            "energy_uj_most": microjoule.max(),
        }

    def _prices(self, engine: EngineConfig) -> NDArray[np.float64]:
        """Picojoule of one count of each counter; a cycle also pays clock and leakage."""
        events = event_prices(engine, self._technology)
        prices = np.array([events[name] for name in COUNTERS])
        prices[_CYCLES] += math.fsum(standing_prices(engine, self._technology).values())
        return prices


def points_table(space: Space, rows: Iterable[Evaluated], pricer: Pricer) -> pd.DataFrame:
    """One row per point, in the order given: knobs, figures, feasible, reason, pareto, hashes."""
    records = [_record(space, index, row, pricer) for index, row in enumerate(rows)]
    table = pd.DataFrame(records)
    table["pareto"] = False
    feasible = table["feasible"].to_numpy()
    if feasible.any():
        values = objective_values(space, table[feasible])
        table.loc[feasible, "pareto"] = non_dominated(values)
    return table


def objective_values(space: Space, table: pd.DataFrame) -> NDArray[np.float64]:
    """(rows, objectives), signs turned so that less is better."""
    signs = [METRICS[name].sign() for name in space.objectives]
    return np.asarray(table[space.objectives].to_numpy(float) * signs)


def best_row(space: Space, table: pd.DataFrame) -> int | None:
    """Index of the feasible row that keeps every limit and is best; None if there is none."""
    kept = table["feasible"].to_numpy(bool).copy()
    for name, limit in space.limits.items():
        kept &= np.array([limit.keeps(value) for value in table[name]], bool)
    if not kept.any():
        return None
    score = table.loc[kept, space.best].to_numpy(float) * METRICS[space.best].sign()
    return int(table.index[kept][int(np.argmin(score))])


def _record(space: Space, index: int, row: Evaluated, pricer: Pricer) -> dict[str, Any]:
    knobs = {knob.label: value for knob, value in zip(space.knobs, row.point.values, strict=True)}
    feasible = not row.outcome.reason
    figures: Mapping[str, float] = pricer.figures(row) if feasible else _NOTHING
    return {
        "point": index,
        **knobs,
        **{name: float(value) for name, value in figures.items()},
        "images": len(row.outcome.counters),
        "feasible": feasible,
        "reason": row.outcome.reason,
        "config_hash": row.engine_hash,
        "network_hash": row.network_hash,
        "program_hash": row.outcome.program_hash,
        "key": row.key,
    }


def _accuracy(score: Score | None, base: Score | None) -> dict[str, float]:
    if score is None or base is None:
        return dict.fromkeys(_ACCURACY, math.nan)
    low, high = wilson_interval(score.right, score.images)
    accuracy = score.right / score.images
    drop = (base.right / base.images - accuracy) * 100
    return dict(zip(_ACCURACY, (accuracy, low, high, drop), strict=True))


_ACCURACY = ("accuracy", "accuracy_low", "accuracy_high", "accuracy_drop")
_NOTHING = dict.fromkeys(
    (
        *("fps", "latency_ms", "energy_uj", "lut", "ff", "bram", "dsp"),
        *_ACCURACY,
        *("cycles_per_image", "cycles_least", "cycles_most"),
        *("energy_uj_least", "energy_uj_most"),
    ),
    math.nan,
)
