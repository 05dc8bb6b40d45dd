"""The report of one run: a self-contained HTML page, the same as Markdown, and its tables."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from plotly.offline import get_plotlyjs

from reports import charts
from reports.cycles import CAUSES
from reports.measure import Measurement
from reports.peers import peer_table, reference_facts, reference_network
from reports.pictures import Picture
from reports.roofline import bus_bytes, peak_additions
from reports.shown import shown_parts

_MICRO = 1e-6
_HEIGHT = {False: 380, True: 520}
"""Pixels of the chart that stands beside the table of the co-simulation, if there is one."""


@dataclass(frozen=True, eq=False)
class Report:
    """Everything a report shows. Tables that were not measured are None or empty.

    Attributes:
        technologies: technology, kind, energy_pj of the same run under every table.
        ladder: see `reports.ladder`; points: series, label, accuracy, low, high, joule.
        check: the JSON result of a co-simulation.
        facts: what produced the run: versions, hashes, seed.
        card: what was measured when the network was made.
    """

    measured: Measurement
    technologies: pd.DataFrame
    ladder: pd.DataFrame | None = None
    points: pd.DataFrame | None = None
    pictures: Sequence[Picture] = ()
    check: Mapping[str, Any] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name, as written beside the page."""
        tables = self.measured.tables() | {
            "technologies": self.technologies,
            "peers": peer_table(self.measured),
        }
        if self.ladder is not None:
            tables["ladder"] = self.ladder
        if self.points is not None:
            tables["accuracy"] = self.points
        return tables


def render_html(report: Report) -> str:
    """The page: charts, tables and script in one text that needs nothing else."""
    figures = {name: json.loads(figure.to_json()) for name, figure in _figures(report).items()}
    payload = json.dumps(figures, separators=(",", ":")).replace("</", "<\\/")
    return _environment(html=True).get_template("report.html.j2").render(
        **_context(report), figures=payload, plotly=get_plotlyjs(), charts=set(figures)
    )  # fmt: skip


def render_markdown(report: Report) -> str:
    """The same tables without the charts."""
    return _environment(html=False).get_template("report.md.j2").render(**_context(report))


def write_tables(report: Report, directory: Path) -> list[Path]:
    """Each table as Parquet and CSV in `directory`, which is made if it is absent."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, table in report.tables().items():
        table.to_parquet(directory / f"{name}.parquet", index=False)
        table.to_csv(directory / f"{name}.csv", index=False)
        paths += [directory / f"{name}.parquet", directory / f"{name}.csv"]
    return paths


def _figures(report: Report) -> dict[str, Any]:
    measured = report.measured
    engine = measured.run.engine
    parts, _ = shown_parts([x * _MICRO for x in measured.components["energy_pj"]], 2)
    figures = {
        "components": charts.energy_by_component(
            measured.components.assign(shown=parts), height=_HEIGHT[report.check is not None]
        ),
        "energy": charts.energy_by_layer(measured.energy),
        "technologies": charts.energy_by_technology(report.technologies),
        "cycles": charts.cycles_by_layer(measured.layers),
        "causes": charts.cycle_attribution(measured.causes),
        "roofline": charts.roofline(
            measured.roofline, peak=peak_additions(engine), bandwidth=bus_bytes(engine)
        ),
        "activity": charts.activity(measured.layers),
        "peers": charts.peers(peer_table(measured)),
    }
    if report.ladder is not None:
        figures["ladder_cycles"] = charts.ladder_cycles(report.ladder)
        figures["ladder_energy"] = charts.ladder_energy(report.ladder)
    if report.points is not None:
        figures["accuracy"] = charts.accuracy_energy(report.points)
    return figures


def _context(report: Report) -> dict[str, Any]:
    measured = report.measured
    quantities = measured.quantities.set_index("quantity")["value"].to_dict()
    layers, layer_total = shown_parts([x * _MICRO for x in measured.layers["energy_pj"]], 2)
    parts, part_total = shown_parts([x * _MICRO for x in measured.components["energy_pj"]], 2)
    entries, entry_total = shown_parts([x * _MICRO for x in measured.entries["energy_pj"]], 3)
    return {
        "report": report,
        "run": measured.run,
        "technology": measured.technology,
        "speed": measured.throughput,
        "joule": measured.joule,
        "value": quantities,
        "quantities": measured.quantities.to_dict("records"),
        "layers": _shown(measured.layers, layers),
        "layer_total": layer_total,
        "components": _shown(measured.components, parts),
        "component_total": part_total,
        "entries": _shown(measured.entries, entries),
        "entry_total": entry_total,
        "ladder": [] if report.ladder is None else report.ladder.to_dict("records"),
        "points": [] if report.points is None else report.points.to_dict("records"),
        "pictures": report.pictures,
        "check": report.check,
        "peers": peer_table(measured).to_dict("records"),
        "reference": reference_network(),
        "ours": reference_facts(),
        "causes": CAUSES,
        "engine": measured.run.engine.model_dump(),
        "network": measured.run.network.model_dump(),
    }


def _shown(frame: pd.DataFrame, texts: list[str]) -> list[dict[str, Any]]:
    return list(frame.assign(shown=texts).to_dict("records"))


def _environment(*, html: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=select_autoescape(("html.j2",)) if html else False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    environment.filters["number"] = _number
    environment.filters["setting"] = _setting
    return environment


def _percent(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.1%}"


def _number(value: float | None, digits: int = 0) -> str:
    """A figure with `digits` decimals, or with 3 significant digits where it is small."""
    if value is None or value != value:
        return "–"
    if digits == 0 and 0 < abs(value) < 100:
        return f"{value:#.3g}".rstrip(".")
    if digits == 0 and abs(value) < 1000 and value != round(value):
        return f"{value:.1f}"
    return f"{value:,.{digits}f}"


def _setting(value: object) -> str:
    """A field of a configuration as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_setting(item) for item in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
