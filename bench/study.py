"""docs/study.md from the table of `sparsespike explore study`: what was found, in figures.

Run as `python -m bench.study SPACE FOLDER JSON`; `make study` does both. Every figure of
the page is read from the table.
"""

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from reports.explore.metrics import METRICS
from reports.explore.space import Space
from reports.explore.space_file import load_space
from reports.resources import estimate

DOCS = Path(__file__).resolve().parent.parent / "docs"
SHARE = 0.7
"""Part of a device's LUT and BRAM that a design may take: routing needs the rest."""

DROP = 2.0
"""Accuracy points a network may lose."""


class Device(NamedTuple):
    """A device, its size by its data sheet, and the family of `reports.resources`."""

    name: str
    target: str
    lut: int
    bram: int
    source: str


DEVICES = (
    Device("ECP5-85F", "ecp5-85k", 83_640, 208, "LUT4, blocks of 18 kbit; FPGA-DS-02012"),
    Device("Artix-7 200T", "xc7", 133_800, 365, "LUT6, blocks of 36 kbit; DS180"),
    Device("KV260 (XCK26)", "xcup", 117_120, 144, "LUT6, blocks of 36 kbit; DS987"),
)


def page(space: Space, table: pd.DataFrame, result: dict) -> str:
    """The Markdown page."""
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
            *_devices(space, table),
            *_checks(result),
            *_front(space, table),
        ]
    )


def _size(space: Space, table: pd.DataFrame, result: dict) -> list[str]:
    knobs = [knob for knob in space.knobs if len(knob.values) > 1]
    allowed = sum(map(space.allows, space.combinations()))
    whole = len(table) == allowed
    random = f"{space.search.trials} at random and those around the best; `make study` takes all"
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
    feasible = table[table["feasible"]]
    names = [knob.label for knob in space.knobs]
    for knob in space.knobs:
        others = [name for name in names if name != knob.label]
        first, *rest = knob.values
        for value in rest:
            pairs = feasible[feasible[knob.label] == first].merge(
                feasible[feasible[knob.label] == value], on=others, suffixes=("_a", "_b")
            )
            if len(pairs):
                cells = [_ratio(pairs, name) for name in ("fps", "energy_uj", "lut")]
                drop = (pairs["accuracy_drop_a"] - pairs["accuracy_drop_b"]).median()
                lines.append(
                    f"| {knob.label} | {first:g} → {value:g} | {len(pairs):,} | "
                    f"{' | '.join(cells)} | {drop:+.1f} |"
                )
    return [*lines, ""]


def _ratio(pairs: pd.DataFrame, name: str) -> str:
    return f"{((pairs[f'{name}_b'] / pairs[f'{name}_a']).median() - 1) * 100:+.1f} %"


def _devices(space: Space, table: pd.DataFrame) -> list[str]:
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
        rows = _fitting(space, table, device)
        for wanted, column, up in (("speed", "fps", True), ("energy", "energy_uj", False)):
            if rows.empty:
                lines.append(f"| {device.name} | {wanted} | nothing fits | | | | | | |")
                continue
            best = rows.sort_values([column, "point"], ascending=[not up, True]).iloc[0]
            lines.append(
                f"| {device.name} | {wanted} | {_setting(space, best, True)} | "
                f"{_setting(space, best, False)} | {best['fps']:,.0f} | {best['energy_uj']:.1f} | "
                f"{best['device_lut']:,.0f} | {best['device_bram']:g} | "
                f"{best['accuracy_drop']:.1f} |"
            )
    sizes = (f"{d.name} {d.lut:,} LUT, {d.bram} BRAM ({d.source})" for d in DEVICES)
    return [*lines, "", f"Sizes: {'; '.join(sizes)}.", ""]


def _fitting(space: Space, table: pd.DataFrame, device: Device) -> pd.DataFrame:
    rows = table[table["feasible"] & (table["accuracy_drop"] <= DROP)]
    names = [knob.label for knob in space.knobs]
    # A table keeps 8 as 8.0 where another row is no whole number: back to the knob's own type.
    kinds = [type(knob.values[0]) for knob in space.knobs]
    sizes = [
        estimate(
            space.point(
                tuple(kind(value) for kind, value in zip(kinds, values, strict=True))
            ).config(),
            device.target,
        )
        for values in rows[names].itertuples(index=False, name=None)
    ]
    rows = rows.assign(
        device_lut=[size.lut for size in sizes], device_bram=[size.bram for size in sizes]
    )
    fits = (rows["device_lut"] <= SHARE * device.lut) & (rows["device_bram"] <= SHARE * device.bram)
    return rows[fits]


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


def main(name: str, folder: str, result_file: str) -> None:
    """Writes docs/study.md and the table of its notebook from a space, its folder and JSON."""
    space = load_space(name)
    table = pd.read_parquet(Path(folder) / "points.parquet")
    result = json.loads(Path(result_file).read_text())
    (DOCS / "study.md").write_text(page(space, table, result))
    plain = table.drop(columns=[name for name in table if name.endswith("hash") or name == "key"])
    plain.to_parquet(DOCS / "study.parquet", index=False, compression="zstd")


if __name__ == "__main__":
    main(*sys.argv[1:])
