"""The report of an exploration: one self-contained HTML page."""

import json
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from plotly.offline import get_plotlyjs

from reports.explore import charts
from reports.explore.metrics import METRICS
from reports.explore.results import Exploration
from sparsespike.contract.config import EngineConfig

_FRONT_ROWS = 200
_REASONS = 12


def render_page(found: Exploration) -> str:
    """The page: charts, tables and script in one text that needs nothing else."""
    figures = {name: json.loads(figure.to_json()) for name, figure in _figures(found).items()}
    payload = json.dumps(figures, separators=(",", ":")).replace("</", "<\\/")
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = _figure
    return environment.get_template("explore.html.j2").render(
        **_context(found), figures=payload, plotly=get_plotlyjs(), charts=set(figures)
    )


def engine_toml(engine: EngineConfig) -> str:
    """The engine as the TOML file that `verilog --engine` takes, every field of it."""
    lines = []
    for name, value in engine.model_dump(mode="json").items():
        lines.append(f"{name} = {json.dumps(value)}")
    return "\n".join(lines) + "\n"


def _figures(found: Exploration) -> dict[str, Any]:
    space, table = found.space, found.table
    if not table["feasible"].any():
        return {}
    first, *others = space.objectives
    figures: dict[str, Any] = {
        f"front_{index}": charts.front_2d(space, table, found.best, other, first)
        for index, other in enumerate(others)
    }
    if len(space.objectives) > 2:
        figures["front_3d"] = charts.front_3d(space, table, found.best)
    figures["parallel"] = charts.parallel(space, table)
    if len(found.importance):
        figures["importance"] = charts.importance_bars(found.importance)
    if len(found.sensitivity) > 1:
        figures["sensitivity"] = charts.sensitivity(space, found.sensitivity)
    return figures


def _context(found: Exploration) -> dict[str, Any]:
    space, table = found.space, found.table
    refused = table[~table["feasible"]]
    best = None if found.best is None else table.loc[found.best].to_dict()
    point = None if found.best is None else found.points[found.best]
    return {
        "found": found,
        "space": space,
        "metrics": METRICS,
        "points": len(table),
        "feasible": int(table["feasible"].sum()),
        "front": found.front.head(_FRONT_ROWS).to_dict("records"),
        "front_size": len(found.front),
        "best": best,
        "toml": "" if point is None else engine_toml(point.config()),
        "network_knobs": {} if point is None else dict(point.network),
        "limits": [_limit(name, limit.min, limit.max) for name, limit in space.limits.items()],
        "reasons": _reasons(refused),
        "sensitivity": found.sensitivity.to_dict("records"),
        "checks": found.checks,
        "facts": found.facts,
    }


def _limit(name: str, low: float | None, high: float | None) -> str:
    bounds = [f"at least {low:,g}"] if low is not None else []
    bounds += [f"at most {high:,g}"] if high is not None else []
    return f"{METRICS[name].label} {' and '.join(bounds)}"


def _reasons(refused: pd.DataFrame) -> list[dict[str, Any]]:
    """What points were refused for, most frequent first; numbers in a reason are not told apart."""
    kinds = refused["reason"].str.replace(r"\d+", "…", regex=True)
    groups = refused.groupby(kinds, sort=False)["reason"]
    rows = [{"example": texts.iloc[0], "points": len(texts)} for _, texts in groups]
    return sorted(rows, key=lambda row: -row["points"])[:_REASONS]


def _figure(value: float | None, digits: int) -> str:
    return "–" if value is None or value != value else f"{value:,.{digits}f}"
