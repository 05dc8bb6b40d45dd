"""Published figures of other systems, beside ours, and both scaled to one network."""

import tomllib
from pathlib import Path
from typing import Any

import pandas as pd

from reports.measure import Measurement
from reports.reference_runs import Priced, ReferenceRuns, load_reference_runs
from reports.technology import load_technology
from reports.workload import dense_operations

_FILE = Path(__file__).parent / "peers.toml"
OURS = "sparsespike"
_POINTS = (
    ("large", "asic-28nm", 500.0),
    ("large", "asic-28nm", 200.0),
    ("4 x 8, chunk 32", "asic-28nm", 500.0),
    ("large", "fpga-28nm", 200.0),
)
"""Our rows on the reference network: engine, energy table and clock; the last three are
Prosperity's kind of technology at its clock and at ours, and the FPGAs'."""


def peer_table(measured: Measurement) -> pd.DataFrame:
    """One row per system, ours first: this run, then what we do on the reference network.

    `scaled_*` is for the reference network, mark D.

    Scaling takes frames/s and energy in proportion to the dense multiply-accumulates x T of the two
    networks, and `scaled_formula` says so with the figures; where a network's are not known, or it
    is the reference itself, nothing is scaled. `static_millijoule` is what `dynamic_millijoule`,
    where it is known, leaves of the whole.
    """
    reference = float(_content()["reference_gops"])
    frame = pd.DataFrame([_ours(measured), *reference_rows(), *published()])
    frame["formula"] = frame["formula"].fillna("")
    frame["label"] = frame["label"].fillna(frame["system"].str.split(" (", regex=False).str[0])
    frame["static_millijoule"] = frame["millijoule"] - frame["dynamic_millijoule"]
    factor = frame["gops"] / reference
    known = factor.notna()
    scaled = known & (factor.sub(1).abs() > 1e-3)
    frame["scaled_fps"] = (frame["fps"] * factor).where(scaled, frame["fps"].where(known))
    frame["scaled_millijoule"] = (frame["millijoule"] / factor).where(
        scaled, frame["millijoule"].where(known)
    )
    frame["scaled_mark"] = scaled.map({True: "D", False: ""}).where(known, "")
    formula = [
        f"scaled: frames/s x {gops:.3f} / {reference}, mJ x {reference} / {gops:.3f} (G MAC x T)"
        for gops in frame["gops"]
    ]
    frame["scaled_formula"] = pd.Series(formula, index=frame.index).where(scaled, "")
    return frame


def reference_network() -> str:
    """Name of the network to which everything is scaled."""
    return str(_content()["reference_network"])


def published() -> list[dict[str, Any]]:
    """Figures of other systems, as they stand in peers.toml."""
    return list(_content()["peer"])


def reference_rows() -> list[dict[str, object]]:
    """What this engine does on the reference network, of the stored simulations."""
    runs = load_reference_runs()
    by_name = {run.name: run for run in runs.runs}
    return [
        _reference(runs, runs.priced(by_name[name], load_technology(table), mhz))
        for name, table, mhz in _POINTS
    ]


def reference_facts() -> dict[str, object]:
    """`rows`: how many `reference_rows` there are; `note`: what network they are of, in words."""
    runs = load_reference_runs()
    note = f"{runs.weight_sparsity:.1%} of its weights zero and rho {runs.keep_ratio:g}, "
    return {"rows": len(_POINTS), "note": f"{note}a {runs.note}"}


def _content() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def _reference(runs: ReferenceRuns, point: Priced) -> dict[str, object]:
    low, high = (end * 1e3 for end in point.joule_at_ends())
    interval = ""
    if low < high:
        interval = f"; {low:.2f} to {high:.2f} mJ over the leakage that the table's sources give"
    engine, joule = point.engine, point.joule
    return {
        "system": f"{OURS}, {engine.clusters * engine.lanes} lanes",
        "label": f"{engine.clusters * engine.lanes} lanes, {engine.clock_mhz:g} MHz"
        + (", FPGA" if point.technology.name.startswith("fpga") else ""),
        "platform": f"{point.technology.name}, {engine.clock_mhz:g} MHz, simulator",
        "network": f"{reference_network()}, {runs.weight_sparsity:.1%} zeros, rho "
        f"{runs.keep_ratio:g}; {runs.note.split(':')[0]}",
        "gops": runs.gops,
        "fps": point.fps,
        "fps_mark": "D",
        "millijoule": joule * 1e3,
        "dynamic_millijoule": (joule - point.static.joule) * 1e3,
        "millijoule_mark": "D",
        "formula": f"{point.fps:,.0f} frames/s = {engine.clock_mhz:g} MHz / {point.cycles:,.0f} "
        f"cycles; energy = sum of counters x table entries{interval}",
        "source": f"python -m bench.energy_peers, {runs.images} images",
        "caveat": f"engine {point.run.name}; {runs.note}",
    }


def _ours(measured: Measurement) -> dict[str, object]:
    run, technology, static = measured.run, measured.technology, measured.static
    interval = ""
    if static.lowest < static.highest:
        low, high = ((measured.dynamic_joule + end) * 1e3 for end in static[1:])
        interval = f"; {low:.3g} to {high:.3g} mJ over the leakage that the table's sources give"
    note = f"{run.note}; " if run.note else ""
    return {
        "system": OURS,
        "label": run.name,
        "platform": f"{technology.name}, {run.engine.clock_mhz:g} MHz, simulator equal to the RTL",
        "network": f"{run.name}, T={run.network.time_steps}",
        "gops": dense_operations(run.network) * 1e-9,
        "fps": measured.throughput.fps,
        "fps_mark": "D",
        "millijoule": measured.joule * 1e3,
        "dynamic_millijoule": measured.dynamic_joule * 1e3,
        "millijoule_mark": "D",
        "formula": "frames/s = clock / cycles; energy = sum of counters x table entries" + interval,
        "source": "this run",
        "caveat": f"{note}cycles and counters exact, clock assumed",
    }
