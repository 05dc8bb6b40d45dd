"""The JSON form of an exploration."""

from pathlib import Path
from typing import Any

import pandas as pd

from reports.explore.driver import Tally
from reports.explore.results import Exploration

_HASHES = ("config_hash", "network_hash", "program_hash")
_FIGURES = ("fps", "latency_ms", "energy_uj", "lut", "ff", "bram", "dsp", "accuracy",
            "accuracy_drop", "cycles_per_image")  # fmt: skip


def json_result(found: Exploration, tally: Tally, *, rate: float, folder: Path) -> dict[str, Any]:
    """`evaluated` counts distinct points recorded, reused ones included; rows are of the table."""
    table = found.table
    return {
        "evaluated": len(tally.keys),
        "new": tally.new,
        "reused": len(tally.keys) - tally.new,
        "infeasible": int((~table["feasible"]).sum()),
        "lost": tally.lost,
        "points_per_second": rate,
        "objectives": list(found.space.objectives),
        "pareto": [_row(found, row) for _, row in found.front.iterrows()],
        "best": None if found.best is None else _row(found, table.loc[found.best]),
        "verified": [dict(check) for check in found.checks],
        "page": str(folder / "report.html"),
        "table": str(folder / "points.parquet"),
        "meta": dict(found.facts),
    }


def _row(found: Exploration, row: pd.Series) -> dict[str, Any]:
    knobs = {knob.label: _plain(row[knob.label]) for knob in found.space.knobs}
    figures = {name: _plain(row[name]) for name in _FIGURES}
    return {
        "point": int(row["point"]),
        "knobs": knobs,
        **figures,
        **{name: row[name] for name in _HASHES},
    }


def _plain(value: Any) -> float | int | None:
    """JSON has no NaN and no NumPy numbers."""
    number = float(value)
    if number != number:
        return None
    return int(number) if number.is_integer() else number
