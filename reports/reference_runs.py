"""What this engine counted on the network to which all peers are scaled, ready to be priced.

The counters are those of a simulation, kept in a file so that every report can show our figures
on that network beside the published ones; `python -m bench.energy_peers` writes it. Prices are
applied when they are asked for: a change of an energy table needs no new simulation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from reports.energy import StaticEnergy, energy, static_energy, total_joule
from reports.technology import Technology
from sparsespike.contract.config import EngineConfig, load_engine

FILE = Path(__file__).parent / "reference_runs.json"
PRESET = "large"


@dataclass(frozen=True)
class ReferenceRun:
    """One simulation. counters: totals over the images; fields: what differs from `large`."""

    name: str
    fields: Mapping[str, Any]
    counters: Mapping[str, int]
    program_hash: str

    def engine(self, clock_mhz: float | None = None) -> EngineConfig:
        """The engine; with another clock, if one is given."""
        clock = {} if clock_mhz is None else {"clock_mhz": float(clock_mhz)}
        return load_engine(PRESET, **self.fields, **clock)


@dataclass(frozen=True)
class ReferenceRuns:
    """Runs of one network over the same images.

    Attributes:
        network: its name; gops: dense multiply-accumulates x T a frame, in 10^9.
        weight_sparsity, keep_ratio: shares, 0 to 1.
        note: what a reader must know of the network before comparing it.
    """

    network: str
    network_hash: str
    gops: float
    weight_sparsity: float
    keep_ratio: float
    note: str
    images: int
    runs: tuple[ReferenceRun, ...]

    def priced(self, run: ReferenceRun, technology: Technology, clock_mhz: float) -> Priced:
        """Energy and frames/s of `run` under a table at a clock."""
        engine = run.engine(clock_mhz)
        rows = [("all", name, count) for name, count in run.counters.items()]
        frame = pd.DataFrame(rows, columns=["layer", "counter", "count"])
        priced = energy(frame, engine=engine, technology=technology)
        priced["energy_pj"] /= self.images
        cycles = run.counters["cycles"] / self.images
        fps = engine.clock_mhz * 1e6 / cycles
        return Priced(run, engine, technology, cycles, fps, priced)


@dataclass(frozen=True, eq=False)
class Priced:
    """A run under a table at a clock; `energy` is the priced frame of `reports.energy`."""

    run: ReferenceRun
    engine: EngineConfig
    technology: Technology
    cycles: float
    fps: float
    energy: pd.DataFrame

    @property
    def joule(self) -> float:
        """Everything, a frame."""
        return total_joule(self.energy)

    @property
    def static(self) -> StaticEnergy:
        """Leakage of a frame, and what it is at the ends of the table's interval."""
        return static_energy(self.energy, self.technology)

    def joule_of(self, component: str) -> float:
        """What one component takes a frame."""
        return total_joule(self.energy[self.energy["component"] == component])

    def joule_at_ends(self) -> tuple[float, float]:
        """The total with every leakage at the low and at the high end of its interval."""
        dynamic = self.joule - self.static.joule
        return dynamic + self.static.lowest, dynamic + self.static.highest


def load_reference_runs(path: Path = FILE) -> ReferenceRuns:
    """The runs that ship with the package."""
    content = json.loads(path.read_text(encoding="utf-8"))
    runs = tuple(ReferenceRun(**run) for run in content.pop("runs"))
    return ReferenceRuns(**content, runs=runs)


def save_reference_runs(runs: ReferenceRuns, path: Path = FILE) -> None:
    """Writes what `load_reference_runs` reads."""
    path.write_text(json.dumps(asdict(runs), indent=1) + "\n", encoding="utf-8")
