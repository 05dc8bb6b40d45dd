"""Points of docs/performance.md: one network on one engine, simulated, kept in a file."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model import zoo
from model.random_ticket import TICKETS, make_ticket
from reports.lower_bounds import lower_bounds
from sim import simulate
from sim.result import SimulationResult
from sparsespike.cli.variants import always_firing, with_keep_ratio, without_weight_skipping
from sparsespike.compiler import compile_network
from sparsespike.compiler.dataflow import dataflow
from sparsespike.compiler.mapping import possible_splits
from sparsespike.contract.config import EngineConfig, load_engine
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.network import IntegerNetwork
from sparsespike.contract.program import Program

FOLDER = Path("build/performance")
IMAGES = 16
"""Images of a point: the first of the shipped samples."""
Inputs = tuple[Program, NDArray[np.uint8]]


@dataclass(frozen=True)
class Point:
    """What is simulated.

    Attributes:
        ticket: name in `TICKETS`; balanced: with as many weights for every output.
        keep_ratio: of its selectors, None: the ticket's own; 1: without selectors.
        engine: fields that differ from `large`.
        bands: of every layer that can have them, 0: as the compiler chooses.
        ordered: channels are placed by their work, not as the network numbers them.
        skips: sparsity that is made use of: "both", "weights" (every input fires), "spikes" (every
            weight is stored and added), or "none".
    """

    ticket: str
    engine: Mapping[str, Any] = field(default_factory=dict)
    keep_ratio: float | None = None
    bands: int = 0
    balanced: bool = False
    ordered: bool = True
    skips: str = "both"


@dataclass(frozen=True)
class Measured:
    """Per frame. busy: share of lane cycles with a match, of the whole frame and, `matmul_busy`, of

    all layers but attention.
    """

    cycles: float
    stem_cycles: float
    mbit: float
    busy: float
    matmul_busy: float
    matches_per_lane: float
    broadcasts: float


def measured(point: Point) -> Measured:
    """The result of `point`, simulated or found; found only while the program is the same."""
    engine = load_engine("large", **point.engine)
    program, images = _inputs(point, engine)
    path = FOLDER / f"{hashlib.sha256(f'{program.hash} {IMAGES}'.encode()).hexdigest()[:20]}.json"
    if path.is_file():
        return Measured(**json.loads(path.read_text()))
    run = simulate(program, images)
    layers = pd.DataFrame(run.counters.mean(0), index=list(run.layers), columns=list(COUNTERS))
    mean = layers.sum()
    matmuls = layers[~layers.index.str.endswith(".attn")]
    stem = [name.startswith(("conv", "rpe")) for name in run.layers]
    lanes = engine.clusters * engine.lanes
    result = Measured(
        cycles=float(run.cycles.sum(1).mean()),
        stem_cycles=float(layers["cycles"][stem].sum()),
        mbit=mean["dma_read_beats"] * engine.axi_data_bits / 1e6,
        busy=mean["weights_read"] / lanes / mean["cycles"],
        matmul_busy=matmuls["weights_read"].sum() / lanes / matmuls["cycles"].sum(),
        matches_per_lane=mean["weights_read"] / lanes,
        broadcasts=mean["chunks_broadcast"] / engine.clusters,
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(result)))
    return result


def bounds(point: Point) -> pd.DataFrame:
    """`reports.lower_bounds` of every layer of `point`, and `idle`, the share of its clusters'

    cycles that waited for a scan, which is for weights.
    """
    engine = load_engine("large", **point.engine)
    run: SimulationResult = simulate(*_inputs(point, engine))
    counters = pd.DataFrame(
        run.counters.sum(0), index=pd.Index(run.layers, name="layer"), columns=list(COUNTERS)
    )
    long = counters.rename_axis("counter", axis=1).stack().rename("count").reset_index()
    table = lower_bounds(long, engine, images=len(run.counters))
    idle = counters["broadcast_idle"] / engine.clusters / counters["cycles"]
    return table.assign(idle=idle.to_numpy())


def _inputs(point: Point, engine: EngineConfig) -> Inputs:
    images = zoo.sample_images().images[:IMAGES]
    network = ticket(point.ticket, point.keep_ratio, balanced=point.balanced)
    if point.skips == "spikes":
        return without_weight_skipping(network, engine), images
    if point.skips != "both":
        network, images = always_firing(network, with_zeros=point.skips == "weights")
    bands = _bands(network, engine, point.bands) if point.bands else None
    return compile_network(network, engine, bands=bands, ordered=point.ordered), images


def _bands(network: IntegerNetwork, engine: EngineConfig, most: int) -> dict[str, int]:
    flows = [flow for flow in dataflow(network.config) if flow.kind != "attention"]
    possible = {flow.name: [1 << s for s in possible_splits(engine, flow)] for flow in flows}
    return {name: max(n for n in own if n <= most) for name, own in possible.items()}


def ticket(name: str, keep_ratio: float | None = None, *, balanced: bool = False) -> IntegerNetwork:
    """A random ticket, made once; with another keep ratio only the selectors differ."""
    path = FOLDER / f"{name}{'-balanced' if balanced else ''}.int8.npz"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        make_ticket(name, balanced=balanced).save(path)
        print(f"{path}: made in {time.perf_counter() - started:.0f} s", flush=True)
    network = IntegerNetwork.load(path)
    if keep_ratio is None or keep_ratio == TICKETS[name][1]:
        return network
    if keep_ratio == 1:
        return with_keep_ratio(network, 1.0)
    config = network.config.model_copy(update={"keep_ratio": keep_ratio})
    layers = [
        replace(layer, keep=config.selector_keep(int(layer.name.split(".")[1])))
        if layer.name.startswith("selector")
        else layer
        for layer in network.layers
    ]
    return IntegerNetwork(config, network.pixel_pad, tuple(layers))
