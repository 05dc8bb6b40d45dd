"""The tables of docs/energy.md that set our energy on Spikformer-4-384 beside Prosperity's."""

from __future__ import annotations

from typing import Any

from bench.markdown_table import markdown_table
from reports.components import CLOCK, COMPONENT_ORDER, LEAKAGE
from reports.engine_size import memory_bits
from reports.peers import published
from reports.reference_runs import Priced, ReferenceRuns
from reports.shown import shown_parts
from reports.technology import load_technology

TECHNOLOGY = "asic-28nm"
PROSPERITY_MHZ = 500.0
_DRAM = COMPONENT_ORDER[0]
_BUFFERS_MBIT = "1.1"
"""Buffers of 8,192, 32,384, 32,384 and 65,536 bytes (its artefact, simulator/buffer_cacti.py)."""


def prosperity() -> dict[str, Any]:
    """Its row of the table of peers."""
    return next(row for row in published() if row["system"] == "Prosperity")


def block_text(runs: ReferenceRuns) -> str:
    """All that the block of the document holds."""
    technology = load_technology(TECHNOLOGY)
    clocks = sorted({PROSPERITY_MHZ, *(run.engine().clock_mhz for run in runs.runs)}, reverse=True)
    points = [runs.priced(run, technology, mhz) for mhz in clocks for run in runs.runs]
    at_its_clock = [point for point in points if point.engine.clock_mhz == PROSPERITY_MHZ]
    return "\n\n".join(
        [
            f"`{runs.network}`, {runs.weight_sparsity:.1%} of the weights zero, rho "
            f"{runs.keep_ratio:g} ({runs.note}), mean of {runs.images} images, `{TECHNOLOGY}`; "
            "mJ a frame, DRAM included. *lstp*, *hp*: the total with the leakage of those cells.",
            _totals(points),
            _verdict(at_its_clock),
            f"By component at {PROSPERITY_MHZ:g} MHz, mJ a frame:",
            _components(at_its_clock),
        ]
    )


def _totals(points: list[Priced]) -> str:
    rows = []
    for point in points:
        engine, dram = point.engine, point.joule_of(_DRAM)
        dynamic = point.joule - point.static.joule - dram
        parts, total = shown_parts([x * 1e3 for x in (dram, dynamic, point.static.joule)], 3)
        low, high = (f"{end * 1e3:.2f}" for end in point.joule_at_ends())
        adders = str(engine.clusters * engine.lanes * engine.time_steps)
        size, clock = f"{memory_bits(engine) * 1e-6:.1f}", f"{engine.clock_mhz:g}"
        rows.append((_name(point), adders, size, clock, f"{point.fps:,.0f}", *parts,
                     f"**{total}**", low, high))  # fmt: skip
    peer = prosperity()
    chip = peer["millijoule"] - peer["dram_millijoule"]
    rows.append((
        "Prosperity, dense weights", "128", _BUFFERS_MBIT, f"{PROSPERITY_MHZ:g}",
        f"{peer['fps']:,.0f}", f"{peer['dram_millijoule']:.3f}", f"{chip:.3f} with static", "",
        f"**{peer['millijoule']}**", "", "",
    ))  # fmt: skip
    return markdown_table(
        "engine | > adders | > Mbit on chip | > MHz | > frames/s | > DRAM | > on chip, dynamic "
        "| > static | > total | > lstp | > hp",
        rows,
    )


def _verdict(points: list[Priced]) -> str:
    peer = prosperity()
    texts = []
    for point in points:
        share = point.joule * 1e3 / peer["millijoule"]
        speed = point.fps / peer["fps"]
        texts.append(f"{_name(point)} takes {share:.2f} of its energy at {speed:.2f} of its rate")
    return f"At {PROSPERITY_MHZ:g} MHz, beside Prosperity: " + "; ".join(texts) + "."


def _components(points: list[Priced]) -> str:
    columns = [[point.joule_of(name) * 1e3 for name in COMPONENT_ORDER] for point in points]
    shown = [shown_parts(column, 3) for column in columns]
    rows = [
        (f"{name}{_kind(name)}", *(texts[index] for texts, _ in shown))
        for index, name in enumerate(COMPONENT_ORDER)
        if any(column[index] for column in columns)
    ]
    rows.append(("**all**", *(f"**{total}**" for _, total in shown)))
    return markdown_table("component" + "".join(f" | > {_name(x)}" for x in points), rows)


def _kind(component: str) -> str:
    return {LEAKAGE: " (static)", CLOCK: " (every cycle)"}.get(component, "")


def _name(point: Priced) -> str:
    name = point.run.name
    return name if " " in name else f"`{name}`"
