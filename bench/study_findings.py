"""What a study's table says that one would not expect, in figures; sentences for docs/study.md.

Every sentence is true of any table: what it says is chosen by the figures, and left out where there
is nothing to say.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from reports.explore.space import Knob, Space

SLOWER = 0.99
"""Frames/s of a pair below this ratio count as slower: less is noise of the mapping."""
OFTEN = 0.05
"""Share of pairs from which on a knob that slows engines down is worth a line."""
NEARLY = 0.9
"""Share of the most frames/s at which the last step is priced."""


class Step(NamedTuple):
    """Pairs of points that differ in one knob alone: its value `a` in one, `b` in the other."""

    knob: Knob
    a: float
    b: float
    pairs: pd.DataFrame

    def ratios(self, name: str) -> pd.Series:
        """Figure `name` with b over that with a, of every pair."""
        return self.pairs[f"{name}_b"] / self.pairs[f"{name}_a"]

    @property
    def text(self) -> str:
        """The step, as tables write it."""
        return f"{self.knob.label} | {self.a:g} → {self.b:g}"


def steps(space: Space, table: pd.DataFrame) -> Iterator[Step]:
    """From the first value of every knob to each other one, where there are pairs."""
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
                yield Step(knob, first, value, pairs)


def promise(step: Step) -> float | None:
    """Factor of frames/s if nothing but this knob limited them; None where it promises none."""
    if step.knob.name in ("clusters", "lanes", "chunk", "digit_bits"):
        return step.b / step.a
    if step.knob.name == "memory_interval":
        return step.a / step.b
    if step.knob.name == "weight_sparsity" and step.a > 0:
        return (1 - step.a) / (1 - step.b)
    return None


def surprises(space: Space, table: pd.DataFrame, most_drop: float) -> list[str]:
    """The section: promise against fact, then what follows from it. most_drop: accuracy points."""
    last: dict[str, Step] = {step.knob.label: step for step in steps(space, table)}
    useful = table[table["feasible"] & (table["accuracy_drop"] <= most_drop)]
    return [
        "## What surprised",
        "",
        "Every knob from its first value to its last, all others equal: the factor of frames/s it "
        "would give if nothing else limited them, and those it gives.",
        "",
        "| knob | step | promised | median | least | most | pairs | slower |",
        "|---|---|---|---|---|---|---|---|",
        *(_promised(step) for step in last.values()),
        "",
        *(f"- {line}" for line in _lines(space, list(last.values()), table, useful)),
        "",
        *_REASONS,
        "",
    ]


def _promised(step: Step) -> str:
    wanted, found = promise(step), step.ratios("fps")
    return (
        f"| {step.text} | {'–' if wanted is None else f'× {wanted:.2f}'} | × {found.median():.2f} "
        f"| × {found.min():.2f} | × {found.max():.2f} | {len(found):,} | "
        f"{(found < SLOWER).mean():.0%} |"
    )


def _lines(
    space: Space, last: list[Step], table: pd.DataFrame, useful: pd.DataFrame
) -> Iterator[str]:
    yield from _broken_promises(last)
    yield from _slower(last)
    if len(useful):
        yield from _last_step(useful)
        yield from _frugal(useful)
    yield from _never(space, table)


def _broken_promises(last: list[Step]) -> Iterator[str]:
    """The knobs that give least of what they promise, and most."""
    kept = []
    for step in last:
        wanted = promise(step)
        if wanted is not None and wanted != 1:
            kept.append(((step.ratios("fps").median() - 1) / (wanted - 1), step))
    if len(kept) < 2:
        return
    kept.sort(key=lambda pair: pair[0])
    (low, worst), (high, best) = kept[0], kept[-1]
    yield (
        f"`{worst.knob.label}` keeps least of its promise: {worst.a:g} → {worst.b:g} gives "
        f"{low:.0%} of the promised change of frames/s; `{best.knob.label}`, {best.a:g} → "
        f"{best.b:g}, keeps most, {high:.0%}."
    )


def _slower(last: list[Step]) -> Iterator[str]:
    """Knobs whose later values, meant to help, make some engines slower."""
    for step in last:
        wanted, found = promise(step), step.ratios("fps")
        share = (found < SLOWER).mean()
        if share > OFTEN and (wanted is None or wanted > 1):
            yield (
                f"`{step.knob.label}` {step.a:g} → {step.b:g} makes {share:.0%} of the pairs "
                f"slower, by up to {1 - found.min():.0%}."
            )


def _last_step(useful: pd.DataFrame) -> Iterator[str]:
    """What the last frames/s cost."""
    fastest = useful.sort_values(["fps", "point"], ascending=[False, True]).iloc[0]
    near = useful[useful["fps"] >= NEARLY * fastest["fps"]]
    cheap = near.sort_values(["lut", "energy_uj", "point"]).iloc[0]
    if cheap["lut"] == fastest["lut"]:
        return
    yield (
        f"The last {1 - cheap['fps'] / fastest['fps']:.0%} of frames/s cost "
        f"{fastest['lut'] / cheap['lut'] - 1:+.0%} LUT and "
        f"{fastest['energy_uj'] / cheap['energy_uj'] - 1:+.0%} energy a frame: point "
        f"{cheap['point']} ({cheap['fps']:,.0f} frames/s, {cheap['lut']:,.0f} LUT) against point "
        f"{fastest['point']} ({fastest['fps']:,.0f}, {fastest['lut']:,.0f})."
    )


def _frugal(useful: pd.DataFrame) -> Iterator[str]:
    """How far apart speed and energy are."""
    fastest = useful.sort_values(["fps", "point"], ascending=[False, True]).iloc[0]
    frugal = useful.sort_values(["energy_uj", "point"]).iloc[0]
    if frugal["point"] == fastest["point"]:
        yield f"The fastest engine, point {fastest['point']}, is also the most frugal."
        return
    yield (
        f"The most frugal engine ({frugal['energy_uj']:.1f} µJ a frame, point {frugal['point']}) "
        f"has {frugal['fps'] / fastest['fps']:.0%} of the frames/s of the fastest and "
        f"{frugal['lut'] / fastest['lut']:.0%} of its LUT, for "
        f"{frugal['energy_uj'] / fastest['energy_uj']:.0%} of its energy."
    )


def _never(space: Space, table: pd.DataFrame) -> Iterator[str]:
    """Values that no point of the front has."""
    front = table[table["pareto"]]
    missing = [
        f"`{knob.label}` {value:g}"
        for knob in space.knobs
        for value in knob.values
        if len(knob.values) > 1
        and (table.loc[table["feasible"], knob.label] == value).any()
        and not (front[knob.label] == value).any()
    ]
    if missing:
        yield f"No point of the front has {', '.join(missing)}."


_REASONS = [
    "Why such promises are not kept is in the engine, not in the figures: a tile takes as long as "
    "its heaviest lane, so more lanes wait for one; a layer with fewer channels than lanes, or a "
    "small map split over many clusters, leaves some idle; a wider chunk has fewer scans to walk, "
    "but a lane still adds one weight a cycle, so it helps only while scanning is the limit; a "
    "queue evens out what arrives unevenly, no more; weights are loaded while the tile before is "
    "computed, so memory that is slower is not felt until loading takes longer than computing; and "
    "a weight of fewer bits is still one addition. Mapping is chosen anew for every engine by "
    "expected work, so a knob that changes the mapping can cost a little where the choice was "
    "unlucky.",
]
"""Written by hand: mechanisms, true whatever the figures are."""
