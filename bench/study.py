"""docs/study.md from the table of `sparsespike explore study`: what was found, in figures.

Run as `python -m bench.study SPACE FOLDER JSON [SYNTHESIS ...]`; `make study` does both. Every
figure of the page is read from the table, or from a synthesis.
"""

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from bench.study_devices import DEVICES, Device, Scale, scale_notes, scales
from bench.study_findings import steps, surprises
from reports.explore.metrics import METRICS
from reports.explore.point import Point
from reports.explore.space import Space
from reports.explore.space_file import load_space
from sparsespike.contract.config import load_base_engine

DOCS = Path(__file__).resolve().parent.parent / "docs"
SHARE = 0.7
"""Part of a device's LUT and BRAM that a design may take: routing needs the rest."""

DROP = 2.0
"""Accuracy points a network may lose."""


_FIGURES = ("fps", "energy_uj", "lut")


def page(space: Space, table: pd.DataFrame, result: dict, known: Mapping[str, Scale]) -> str:
    """The Markdown page. known: what is known of the devices' resources."""
    return "\n".join(
        [
            "# A study: engines and networks for `nano`",
            "",
            "Made by `make study`: it runs `sparsespike explore study` and writes this page from "
            "its table. Cycles and energy are those of the cycle-exact simulator on "
            f"{space.base.images} image{'s' if space.base.images > 1 else ''} "
            f"(table `{space.base.technology}`), accuracy that of "
            f"{space.base.accuracy_images} images (one image is "
            f"{100 / space.base.accuracy_images:.1f} points, an accuracy is known to "
            f"+-{98 / math.sqrt(space.base.accuracy_images):.0f} points at worst, and a negative "
            "drop is chance), LUT and block RAM are estimated by "
            "`reports.resources`. Networks are changed without training them again. "
            "[The notebook](study.ipynb) asks the same table other questions.",
            "",
            *_size(space, table, result),
            *_knobs(space, table),
            *surprises(space, table, DROP),
            *_devices(space, table, known),
            *_checks(result),
            *_front(space, table),
        ]
    )


def _size(space: Space, table: pd.DataFrame, result: dict) -> list[str]:
    knobs = [knob for knob in space.knobs if len(knob.values) > 1]
    allowed = sum(map(space.allows, space.combinations()))
    whole = len(table) == allowed
    random = "taken at random, and those around the best; `make study` takes all"
    part = "all" if whole else random
    return [
        f"{len(table):,} points of {allowed:,} ({part}): "
        f"{int(table['feasible'].sum()):,} feasible, "
        f"{int((~table['feasible']).sum()):,} refused; {int(table['pareto'].sum()):,} on the front "
        f"of {', '.join(space.objectives)}. Varied:",
        "",
        "| knob | values |",
        "|---|---|",
        *(f"| {k.label} | {', '.join(f'{v:g}' for v in k.values)} |" for k in knobs),
        "",
        f"Kept by all: {'; '.join(f'`{rule}`' for rule in space.constraints)}.",
        "",
    ]


def _knobs(space: Space, table: pd.DataFrame) -> list[str]:
    """Median change of each figure when one knob moves and all others stay."""
    lines = [
        "## What each knob does",
        "",
        "Median over all pairs of points that differ in this knob alone, against its first value.",
        "",
        "| knob | value | pairs | frames/s | energy | LUT | accuracy, points |",
        "|---|---|---|---|---|---|---|",
    ]
    for step in steps(space, table):
        cells = [f"{(step.ratios(name).median() - 1) * 100:+.1f} %" for name in _FIGURES]
        drop = (step.pairs["accuracy_drop_a"] - step.pairs["accuracy_drop_b"]).median()
        lines.append(f"| {step.text} | {len(step.pairs):,} | {' | '.join(cells)} | {drop:+.1f} |")
    return [*lines, ""]


def _devices(space: Space, table: pd.DataFrame, known: Mapping[str, Scale]) -> list[str]:
    lines = [
        "## What to build",
        "",
        f"Within {SHARE:.0%} of the device's LUT and block RAM, at {space.base_engine.clock_mhz:g} "
        f"MHz, and at most {DROP:g} points of accuracy lost.",
        "",
        "| device | wanted | network | engine | frames/s | µJ a frame | LUT | BRAM | drop |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for device in DEVICES:
        rows = _fitting(space, table, device, known)
        for wanted, column, up in (("speed", "fps", True), ("energy", "energy_uj", False)):
            if rows.empty:
                why = "nothing fits" if device.target in known else "not known"
                lines.append(f"| {device.name} | {wanted} | {why} | | | | | | |")
                continue
            best = rows.sort_values([column, "point"], ascending=[not up, True]).iloc[0]
            lines.append(
                f"| {device.name} | {wanted} | {_setting(space, best, True)} | "
                f"{_setting(space, best, False)} | {best['fps']:,.0f} | {best['energy_uj']:.1f} | "
                f"{best['device_lut']:,.0f} | {best['device_bram']:g} | "
                f"{best['accuracy_drop']:.1f} |"
            )
    sizes = (f"{d.name} {d.lut:,} LUT, {d.bram} BRAM ({d.source})" for d in DEVICES)
    return [
        *lines,
        "",
        f"Sizes: {'; '.join(sizes)}.",
        "",
        *(line for note in scale_notes(known) for line in (note, "")),
        *_engine_files(space, table, known),
    ]


def _engine_files(space: Space, table: pd.DataFrame, known: Mapping[str, Scale]) -> list[str]:
    """The fastest engine of each device as the file that commands take."""
    small = load_base_engine("small").model_dump()
    lines = ["The fastest of each device as a file for `sparsespike verilog --engine FILE`:", ""]
    for device in DEVICES:
        rows = _fitting(space, table, device, known)
        if rows.empty:
            continue
        best = rows.sort_values(["fps", "point"], ascending=[False, True]).iloc[0]
        fields = _point(space, [best[knob.label] for knob in space.knobs]).config().model_dump()
        own = [f"{name} = {value}" for name, value in fields.items() if value != small[name]]
        lines += ["```toml", f"# {device.name}, point {best['point']}", *own, "```", ""]
    return lines


def _fitting(
    space: Space, table: pd.DataFrame, device: Device, known: Mapping[str, Scale]
) -> pd.DataFrame:
    """The points that lose little and that the device has room for."""
    rows = table[table["feasible"] & (table["accuracy_drop"] <= DROP)]
    scale = known.get(device.target)
    if scale is None:
        return rows.iloc[:0]
    names = [knob.label for knob in space.knobs]
    sizes = [
        scale.size(_point(space, values).config())
        for values in rows[names].itertuples(index=False, name=None)
    ]
    rows = rows.assign(
        device_lut=[size.lut for size in sizes], device_bram=[size.bram for size in sizes]
    )
    fits = (rows["device_lut"] <= SHARE * device.lut) & (rows["device_bram"] <= SHARE * device.bram)
    return rows[fits]


def _point(space: Space, values: Sequence[float]) -> Point:
    """The point of a row. A table keeps 8 as 8.0 where another row is no whole number."""
    kinds = [type(knob.values[0]) for knob in space.knobs]
    return space.point(tuple(kind(value) for kind, value in zip(kinds, values, strict=True)))


def _checks(result: dict) -> list[str]:
    checks = result["verified"]
    if not checks:
        return []
    lines = [
        "## Checked on the RTL",
        "",
        "| point | cycles RTL | cycles on record | verdict |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {c['point']} | {c['cycles_rtl']:,} | {c['cycles_recorded']:,} | "
        f"{'bit- and cycle-exact' if c['exact'] else 'DIFFERS'} |"
        for c in checks
    ]
    return [*lines, ""]


def _front(space: Space, table: pd.DataFrame) -> list[str]:
    front = table[table["pareto"] & (table["accuracy_drop"] <= DROP)]
    shown = front.sort_values("fps", ascending=False)
    shown = shown.iloc[:: max(1, len(shown) // 20)]
    lines = [
        "## Along the front",
        "",
        f"{len(shown)} of the {len(front)} points of the front that lose at most {DROP:g} points.",
        "",
        "| point | network | engine | "
        + " | ".join(METRICS[name].label for name in space.objectives)
        + " |",
        "|---|---|---|" + "---|" * len(space.objectives),
    ]
    for row in shown.to_dict("records"):
        figures = (f"{row[n]:,.{METRICS[n].digits}f}" for n in space.objectives)
        lines.append(
            f"| {row['point']} | {_setting(space, row, True)} | {_setting(space, row, False)} | "
            f"{' | '.join(figures)} |"
        )
    return [*lines, ""]


def _setting(space: Space, row: pd.Series | dict, network: bool) -> str:
    def parts() -> Iterator[str]:
        for knob in space.knobs:
            if knob.network == network and len(knob.values) > 1:
                yield f"{knob.name} {row[knob.label]:g}"

    return ", ".join(parts())


def main(name: str, folder: str, result_file: str, *syntheses: str) -> None:
    """Writes docs/study.md and the table of its notebook from a space, its folder and JSON.

    syntheses: JSON files of `sparsespike synth --engine small` for targets without a model.
    """
    space = load_space(name)
    table = pd.read_parquet(Path(folder) / "points.parquet")
    result = json.loads(Path(result_file).read_text())
    (DOCS / "study.md").write_text(page(space, table, result, scales(map(Path, syntheses))))
    plain = table.drop(columns=[name for name in table if name.endswith("hash") or name == "key"])
    plain.to_parquet(DOCS / "study.parquet", index=False, compression="zstd")


if __name__ == "__main__":
    main(*sys.argv[1:])
