"""One function that turns a run into the tables that every report, plot and file is made of."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.activity import layer_activity, mean_firing_rate, wide_counters
from reports.convention import paper_energy
from reports.cycles import cycle_causes, lane_use
from reports.energy import (
    StaticEnergy,
    energy,
    energy_by,
    energy_by_component,
    static_energy,
    total_joule,
)
from reports.roofline import layer_roofline
from reports.summary import counter_frame
from reports.synops import SynapticOperations, synaptic_operations
from reports.technology import Sourced, StandingCost, Technology
from reports.throughput import Throughput, throughput
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.network import NetworkConfig


@dataclass(frozen=True, eq=False)
class Run:
    """What a simulation left behind.

    cycles: (images, layers); counters: (images, layers, COUNTERS).
    weight_density: non-zero share of each layer's weights; empty where only a program is known.
    note: what a reader must know of the network before comparing it.
    """

    name: str
    network: NetworkConfig
    engine: EngineConfig
    layers: tuple[str, ...]
    cycles: NDArray[np.int64]
    counters: NDArray[np.int64]
    weight_density: Mapping[str, float] = field(default_factory=dict)
    note: str = ""

    @property
    def images(self) -> int:
        """Images of the run."""
        return len(self.cycles)


@dataclass(frozen=True, eq=False)
class Measurement:
    """Tidy tables of one run under one technology; energies are those of a frame.

    Attributes:
        energy: layer, component, kind, energy_pj.
        components: component, kind, energy_pj; of the whole network.
        layers: one row per layer: cycles, energy_pj, utilization, firing rate, ...
        entries: one row per entry of the table that was paid: count, event_pj, energy_pj, source.
        causes: layer, cause, cluster_cycles; of all images.
        roofline: layer, additions_per_byte, additions_per_cycle, roof.
        quantities: quantity, value, unit: what the summary shows.
        static: joules a frame of all static parts: as priced, lowest, highest.
    """

    run: Run
    technology: Technology
    counters: pd.DataFrame
    energy: pd.DataFrame
    components: pd.DataFrame
    entries: pd.DataFrame
    layers: pd.DataFrame
    causes: pd.DataFrame
    roofline: pd.DataFrame
    quantities: pd.DataFrame
    throughput: Throughput
    joule: float
    static: StaticEnergy

    @property
    def dynamic_joule(self) -> float:
        """What a frame takes however slow the clock is."""
        return self.joule - self.static.joule

    def tables(self) -> dict[str, pd.DataFrame]:
        """Name -> table, as they are written beside the page."""
        names = (
            "counters",
            "energy",
            "components",
            "entries",
            "layers",
            "causes",
            "roofline",
            "quantities",
        )
        return {name: getattr(self, name) for name in names}


def measure(run: Run, technology: Technology) -> Measurement:
    """Every table of `run`, its events priced by `technology`."""
    images, engine = run.images, run.engine
    counters = counter_frame(run.layers, run.counters)
    priced = energy(counters, engine=engine, technology=technology)
    priced = priced.assign(energy_pj=priced["energy_pj"] / images)
    per_run = priced.assign(energy_pj=priced["energy_pj"] * images)
    speed = throughput(per_run, run.network, engine, images=images)
    by_layer = energy_by(priced, "layer", "component", "kind")
    return Measurement(
        run=run,
        technology=technology,
        counters=counters,
        energy=by_layer[by_layer["energy_pj"] > 0].reset_index(drop=True),
        components=energy_by_component(priced),
        entries=_entries(priced, technology, images),
        layers=_layers(run, counters, priced),
        causes=cycle_causes(counters, engine, images=images),
        roofline=layer_roofline(counters, engine),
        quantities=_quantities(run, counters, speed, priced, technology),
        throughput=speed,
        joule=total_joule(priced),
        static=static_energy(priced, technology),
    )


def _entries(priced: pd.DataFrame, technology: Technology, images: int) -> pd.DataFrame:
    """What was paid for, how often a frame, at which price, and who says so."""
    keys = ["counter", "component", "kind", "event_pj"]
    sums = priced.groupby(keys, sort=False, as_index=False)[["count", "energy_pj"]].sum()
    sums = sums[sums["energy_pj"] > 0].sort_values("energy_pj", ascending=False)
    sums["count"] = sums["count"] / images
    sources = {**technology.events, **technology.standing}
    for field_name in ("basis", "mark", "node_nm", "voltage", "date", "source"):
        sums[field_name] = [_text(getattr(sources[name], field_name)) for name in sums["counter"]]
    sums["source"] += [_interval(sources[name]) for name in sums["counter"]]
    return sums.rename(columns={"counter": "entry"}).reset_index(drop=True)


def _interval(cost: Sourced) -> str:
    """What other sources say of a figure, where its table knows any."""
    if not isinstance(cost, StandingCost) or cost.interval_source is None:
        return ""
    low, high = cost.relative_interval
    return f". An estimate: x {low:.2g} to x {high:.2g} by other sources: {cost.interval_source}"


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _layers(run: Run, counters: pd.DataFrame, priced: pd.DataFrame) -> pd.DataFrame:
    cycles = wide_counters(counters)["cycles"] / run.images
    frame = pd.DataFrame({"cycles": cycles}).reset_index()
    frame["share"] = frame["cycles"] / frame["cycles"].sum()
    frame = frame.merge(energy_by(priced, "layer"), on="layer")
    frame = frame.merge(lane_use(counters, run.engine), on="layer")
    frame = frame.merge(layer_activity(counters, run.network, images=run.images), on="layer")
    frame["weight_density"] = frame["layer"].map(dict(run.weight_density)).astype(float)
    return frame


def _quantities(
    run: Run,
    counters: pd.DataFrame,
    speed: Throughput,
    priced: pd.DataFrame,
    technology: Technology,
) -> pd.DataFrame:
    work = synaptic_operations(counters, run.network, images=run.images)
    cycles = float(run.cycles.sum()) / run.images
    busy = float(lane_use(counters, run.engine)["busy"] @ _cycle_shares(counters))
    rows = [
        ("cycles a frame", cycles, "cycles"),
        ("latency", speed.latency_ms, "ms"),
        ("throughput", speed.fps, "frames/s"),
        ("energy a frame", total_joule(priced) * 1e6, "uJ"),
        ("power", speed.watt * 1e3, "mW"),
        ("power, dynamic", speed.dynamic_watt * 1e3, "mW"),
        ("power, static", speed.static_watt * 1e3, "mW"),
        *_static(priced, technology),
        ("effective throughput", speed.effective_gsops, "GSOP/s"),
        ("dense-equivalent throughput", speed.dense_gsops, "GSOP/s"),
        ("effective efficiency", speed.effective_gsops_per_watt, "GSOP/s/W"),
        ("dense-equivalent efficiency", speed.dense_gsops_per_watt, "GSOP/s/W"),
        ("utilization of the lanes", busy, "0..1"),
        *_sparsity(run, counters, work),
        ("mean firing rate", mean_firing_rate(counters, run.network, images=run.images), "0..1"),
        ("dense-equivalent operations a frame, all tokens", speed.dense_sops, "operations"),
        ("dense operations a frame, tokens as kept", work.dense, "operations"),
        ("effective accumulates a frame", work.effective_acs, "operations"),
        ("additions in place of multiply-accumulates", work.bitplane_additions, "operations"),
        ("attention additions a frame", work.attention_additions, "operations"),
        *_convention(run, counters),
    ]
    return pd.DataFrame(rows, columns=["quantity", "value", "unit"])


def _sparsity(
    run: Run, counters: pd.DataFrame, work: SynapticOperations
) -> list[tuple[str, float, str]]:
    """Shares of what is zero, or need not be done; weights only where the network is known."""
    totals = counters.groupby("counter")["count"].sum()
    rate = mean_firing_rate(counters, run.network, images=run.images)
    rows = [
        ("sparsity of activations", 1 - rate, "0..1"),
        ("sparsity of operations", 1 - work.total / work.dense, "0..1"),
        ("silent words of the inputs", totals["chunks_skipped"] / totals["chunks_scanned"], "0..1"),
    ]
    if run.weight_density:
        sizes = {name: math.prod(run.network.weight_shape(name)) for name in run.weight_density}
        left = math.fsum(run.weight_density[name] * size for name, size in sizes.items())
        rows.insert(0, ("sparsity of weights", 1 - left / sum(sizes.values()), "0..1"))
    return [(name, float(value), unit) for name, value, unit in rows]


def _static(priced: pd.DataFrame, technology: Technology) -> list[tuple[str, float, str]]:
    static = static_energy(priced, technology)
    rows = [("energy a frame, static", static.joule * 1e6, "uJ")]
    if static.lowest < static.highest:
        rows += [
            ("energy a frame, static, low end of the sources", static.lowest * 1e6, "uJ"),
            ("energy a frame, static, high end of the sources", static.highest * 1e6, "uJ"),
        ]
    return rows


def _convention(run: Run, counters: pd.DataFrame) -> list[tuple[str, float, str]]:
    energy_of = paper_energy(
        counters, run.network, images=run.images, weight_density=dict(run.weight_density)
    )
    name = "papers' convention (0.9 / 4.6 pJ)"
    rows = [(f"{name}, operations done", energy_of.counted_joule * 1e6, "uJ")]
    if run.weight_density:
        rows.append((f"{name}, dense weights x rate", energy_of.formula_joule * 1e6, "uJ"))
    return rows


def _cycle_shares(counters: pd.DataFrame) -> NDArray[np.float64]:
    cycles = wide_counters(counters)["cycles"].to_numpy(dtype=float)
    return np.asarray(cycles / cycles.sum())
