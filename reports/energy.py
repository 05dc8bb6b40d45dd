"""Energy of a run: integer activity counters times a technology table. Frame in, frame out."""

import math

import pandas as pd

from reports.event_bits import event_bits
from reports.technology import Technology
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.errors import ContractError

COLUMNS = ("layer", "counter", "count")
"""Columns of a counter frame: one row per (layer, counter); more columns are kept as they are."""


def energy(counters: pd.DataFrame, *, engine: EngineConfig, technology: Technology) -> pd.DataFrame:
    """`counters` with the columns `event_pj` and `energy_pj` added.

    Refuses a counter that the technology does not know, so that nothing is priced at zero by
    accident. Counts are integers and not negative.
    """
    _check(counters)
    prices = event_prices(engine, technology)
    event_pj = counters["counter"].map(prices).astype(float)
    return counters.assign(event_pj=event_pj, energy_pj=event_pj * counters["count"])


def event_prices(engine: EngineConfig, technology: Technology) -> dict[str, float]:
    """Picojoule of one event of every counter on this engine; unpriced counters cost 0."""
    bits = event_bits(engine)
    prices = dict.fromkeys(technology.unpriced, 0.0)
    for name, cost in technology.events.items():
        prices[name] = cost.picojoule_for(bits[name])
    return prices


def energy_by(priced: pd.DataFrame, column: str) -> pd.DataFrame:
    """Energy per value of `column` ("layer" or "counter"), in order of appearance."""
    return priced.groupby(column, sort=False, as_index=False)["energy_pj"].agg(math.fsum)


def total_joule(priced: pd.DataFrame) -> float:
    """Energy of all rows, in joules."""
    return math.fsum(priced["energy_pj"]) * 1e-12


def _check(counters: pd.DataFrame) -> None:
    missing = [column for column in COLUMNS if column not in counters.columns]
    if missing:
        raise ContractError(
            f"counter table: column '{missing[0]}' is missing; it needs {', '.join(COLUMNS)}"
        )
    unknown = sorted(set(counters["counter"]) - set(COUNTERS))
    if unknown:
        raise ContractError(
            f"counter table: unknown counter '{unknown[0]}'; counters are: {', '.join(COUNTERS)}"
        )
    if not pd.api.types.is_integer_dtype(counters["count"]):
        raise ContractError(
            f"counter table: count is {counters['count'].dtype}, not an integer: "
            "pass the counters as the run returned them"
        )
    if (counters["count"] < 0).any():
        raise ContractError("counter table: a count is negative: the run's counters overflowed")
