"""Energy of a run: integer activity counters times a technology table. Frame in, frame out."""

import math
from typing import NamedTuple

import pandas as pd

from reports.components import CLOCK, COMPONENT_ORDER, LEAKAGE, component_of
from reports.engine_size import standing_units
from reports.event_bits import event_bits
from reports.technology import Technology
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.errors import ContractError

COLUMNS = ("layer", "counter", "count")
"""Columns of a counter frame: one row per (layer, counter); more columns are kept as they are."""


def energy(counters: pd.DataFrame, *, engine: EngineConfig, technology: Technology) -> pd.DataFrame:
    """`counters` priced: columns `component`, `kind`, `event_pj`, `energy_pj` are added.

    For every row of `cycles` a row for each standing cost follows at the end, its `counter` the
    name of that cost, its `count` the cycles. `kind` is "dynamic" or "static". Refuses a counter
    that the technology does not know, so that nothing is priced at zero by accident.
    """
    _check(counters)
    prices = event_prices(engine, technology)
    events = counters.assign(
        component=counters["counter"].map(component_of),
        kind="dynamic",
        event_pj=counters["counter"].map(prices).astype(float),
    )
    cycles = counters[counters["counter"] == "cycles"]
    parts = [events]
    for name, price in standing_prices(engine, technology).items():
        static = technology.standing[name].static
        part = cycles.assign(
            counter=name,
            component=LEAKAGE if static else CLOCK,
            kind="static" if static else "dynamic",
            event_pj=price,
        )
        parts.append(part)
    priced = pd.concat(parts, ignore_index=True)
    return priced.assign(energy_pj=priced["event_pj"] * priced["count"])


def event_prices(engine: EngineConfig, technology: Technology) -> dict[str, float]:
    """Picojoule of one event of every counter on this engine; unpriced counters cost 0."""
    bits = event_bits(engine)
    prices = dict.fromkeys(technology.unpriced, 0.0)
    for name, cost in technology.events.items():
        prices[name] = cost.picojoule_for(bits[name])
    return prices


def standing_prices(engine: EngineConfig, technology: Technology) -> dict[str, float]:
    """Picojoule of one cycle of the whole engine, for every standing cost."""
    units = standing_units(engine)
    return {
        name: cost.picojoule_a_cycle(engine.clock_mhz) * units[cost.per]
        for name, cost in technology.standing.items()
    }


def energy_by(priced: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Energy per value of the columns ("layer", "component", ...), in order of appearance."""
    return priced.groupby([*columns], sort=False, as_index=False)["energy_pj"].agg(math.fsum)


def energy_by_component(priced: pd.DataFrame) -> pd.DataFrame:
    """Energy per component and kind, in the order of `COMPONENT_ORDER`; nothing that costs 0."""
    parts = energy_by(priced, "component", "kind")
    order = parts["component"].map(COMPONENT_ORDER.index)
    return parts[parts["energy_pj"] > 0].assign(order=order).sort_values("order").drop(
        columns="order"
    ).reset_index(drop=True)  # fmt: skip


class StaticEnergy(NamedTuple):
    """Joules of all static parts: as priced, and with each at the ends of its table's interval."""

    joule: float
    lowest: float
    highest: float


def static_energy(priced: pd.DataFrame, technology: Technology) -> StaticEnergy:
    """The static parts of a priced frame, and what they are at the ends of their intervals."""
    static = priced[priced["kind"] == "static"]
    ends = [technology.standing[name].relative_interval for name in static["counter"]]
    energies = static["energy_pj"].tolist()
    low, high = (
        math.fsum(value * end[side] for value, end in zip(energies, ends, strict=True))
        for side in (0, 1)
    )
    return StaticEnergy(total_joule(static), low * 1e-12, high * 1e-12)


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
