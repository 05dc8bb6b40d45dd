"""The sparsity ladder: the same work with one kind of sparsity after the other exploited."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from reports.measure import Run, measure
from reports.synops import synaptic_operations
from reports.technology import Technology

STEPS = ("dense", "spikes", "weights", "tokens")
"""Kinds of sparsity in the order in which they are switched on."""


@dataclass(frozen=True, eq=False)
class Rung:
    """One step: what was simulated for it, and how, in a sentence; no run where none fits."""

    step: str
    how: str
    run: Run | None


def ladder_table(rungs: Sequence[Rung], technology: Technology) -> pd.DataFrame:
    """step, how, cycles, joule, dynamic_joule, additions, speedup; NaN where nothing was run.

    `speedup` and `saving` are those over the first rung that was run.
    """
    rows = [_row(rung, technology) for rung in rungs]
    frame = pd.DataFrame(rows)
    first = frame.dropna(subset="cycles").iloc[0]
    frame["speedup"] = first["cycles"] / frame["cycles"]
    frame["saving"] = first["joule"] / frame["joule"]
    return frame


def _row(rung: Rung, technology: Technology) -> dict[str, object]:
    row: dict[str, object] = {"step": rung.step, "how": rung.how}
    if rung.run is None:
        nothing = float("nan")
        return row | dict.fromkeys(("cycles", "joule", "dynamic_joule", "additions"), nothing)
    measured = measure(rung.run, technology)
    seconds = measured.throughput.latency_ms * 1e-3
    work = synaptic_operations(measured.counters, rung.run.network, images=rung.run.images)
    return row | {
        "cycles": float(rung.run.cycles.sum()) / rung.run.images,
        "joule": measured.joule,
        "dynamic_joule": measured.joule - measured.throughput.static_watt * seconds,
        "additions": work.total,
    }
