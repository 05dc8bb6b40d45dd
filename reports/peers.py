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
    networks; where a network's are not known, or it is the reference itself, nothing is scaled.
    """
    content = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    reference = float(content["reference_gops"])
    frame = pd.DataFrame([_ours(measured), *content["peer"]])
    factor = frame["gops"] / reference
    scaled = factor.notna() & (factor.sub(1).abs() > 1e-3)
    known = factor.notna()
    frame["scaled_fps"] = (frame["fps"] * factor).where(scaled, frame["fps"].where(known))
    frame["scaled_millijoule"] = (frame["millijoule"] / factor).where(
        scaled, frame["millijoule"].where(known)
    )
    frame["scaled_mark"] = scaled.map({True: "D", False: ""}).where(known, "")
    return frame


def reference_network() -> str:
    """Name of the network to which everything is scaled."""
    return str(tomllib.loads(_FILE.read_text(encoding="utf-8"))["reference_network"])


def _ours(measured: Measurement) -> dict[str, object]:
    run, technology = measured.run, measured.technology
    return {
        "system": OURS,
        "platform": f"{technology.name}, {run.engine.clock_mhz:g} MHz, simulator equal to the RTL",
        "network": f"{run.name}, T={run.network.time_steps}",
        "gops": dense_operations(run.network) * 1e-9,
        "fps": measured.throughput.fps,
        "fps_mark": "D",
        "millijoule": measured.joule * 1e3,
        "millijoule_mark": "D",
        "source": "this run",
        "caveat": "cycles and counters exact, clock assumed, energy = counters x table; "
        "stem, head, selector, DRAM, clock and leakage included",
    }
