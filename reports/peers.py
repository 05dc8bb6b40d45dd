"""Published figures of other systems, beside ours, and both scaled to one network."""

import tomllib
from pathlib import Path

import pandas as pd

from reports.measure import Measurement
from reports.workload import dense_operations

_FILE = Path(__file__).parent / "peers.toml"
OURS = "sparsespike"


def peer_table(measured: Measurement) -> pd.DataFrame:
    """One row per system, ours first; `scaled_*` is for the reference network, mark D.

    Scaling takes frames/s and energy in proportion to the dense multiply-accumulates x T of the two
    networks, and `scaled_formula` says so with the figures; where a network's are not known, or it
    is the reference itself, nothing is scaled. `static_millijoule` is what `dynamic_millijoule`,
    where it is known, leaves of the whole.
    """
    content = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    reference = float(content["reference_gops"])
    frame = pd.DataFrame([_ours(measured), *content["peer"]])
    frame["formula"] = frame["formula"].fillna("")
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
    return str(tomllib.loads(_FILE.read_text(encoding="utf-8"))["reference_network"])


def _ours(measured: Measurement) -> dict[str, object]:
    run, technology, static = measured.run, measured.technology, measured.static
    interval = ""
    if static.lowest < static.highest:
        low, high = ((measured.dynamic_joule + end) * 1e3 for end in static[1:])
        interval = f"; {low:.3g} to {high:.3g} mJ over the leakage that the table's sources give"
    note = f"{run.note}; " if run.note else ""
    return {
        "system": OURS,
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
        "caveat": f"{note}cycles and counters exact, clock assumed; "
        "stem, head, selector, DRAM, clock and leakage included",
    }
