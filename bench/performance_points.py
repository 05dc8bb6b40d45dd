"""Points of docs/performance.md: one network on one engine, simulated, kept in a file."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from model import zoo
from model.random_ticket import TICKETS, make_ticket
from sim import simulate
from sparsespike.compiler import compile_network
from sparsespike.compiler.dataflow import dataflow
from sparsespike.compiler.mapping import possible_splits
from sparsespike.contract.config import load_engine
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.network import IntegerNetwork

FOLDER = Path("build/performance")
IMAGES = 2
"""Images of a point: the first of the shipped samples."""


@dataclass(frozen=True)
class Point:
    """What is simulated.

    Attributes:
        ticket: name in `TICKETS`; balanced: with as many weights for every output.
        keep_ratio: of its selectors, None: the ticket's own.
        engine: fields that differ from `large`.
        bands: of every layer that can have them, 0: as the compiler chooses.
    """

    ticket: str
    engine: Mapping[str, Any] = field(default_factory=dict)
    keep_ratio: float | None = None
    bands: int = 0
    balanced: bool = False


@dataclass(frozen=True)
class Measured:
    """Per frame. busy: share of lane cycles with a match; images_per_second: the simulator's."""

    cycles: float
    stem_cycles: float
    mbit: float
    busy: float
    matches_per_lane: float
    broadcasts: float
    images_per_second: float


def measured(point: Point) -> Measured:
    """The result of `point`, simulated or found; found only while the program is the same."""
    network = ticket(point.ticket, point.keep_ratio, balanced=point.balanced)
    engine = load_engine("large", **point.engine)
    bands = None
    if point.bands:
        flows = [flow for flow in dataflow(network.config) if flow.kind != "attention"]
        possible = {flow.name: [1 << s for s in possible_splits(engine, flow)] for flow in flows}
        bands = {name: max(n for n in own if n <= point.bands) for name, own in possible.items()}
    program = compile_network(network, engine, bands=bands)
    path = FOLDER / f"{hashlib.sha256(f'{program.hash} {IMAGES}'.encode()).hexdigest()[:20]}.json"
    if path.is_file():
        return Measured(**json.loads(path.read_text()))
    run = simulate(program, zoo.sample_images().images[:IMAGES])
    mean = dict(zip(COUNTERS, run.counters.mean(0).sum(0).tolist(), strict=True))
    stem = [i for i, name in enumerate(run.layers) if name.startswith(("conv", "rpe"))]
    lanes = engine.clusters * engine.lanes
    result = Measured(
        cycles=float(run.cycles.sum(1).mean()),
        stem_cycles=float(run.cycles[:, stem].sum(1).mean()),
        mbit=mean["dma_read_beats"] * engine.axi_data_bits / 1e6,
        busy=mean["weights_read"] / lanes / mean["cycles"],
        matches_per_lane=mean["weights_read"] / lanes,
        broadcasts=mean["chunks_broadcast"] / engine.clusters,
        images_per_second=run.images_per_second,
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(result)))
    return result


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
    config = network.config.model_copy(update={"keep_ratio": keep_ratio})
    layers = [
        replace(layer, keep=config.selector_keep(int(layer.name.split(".")[1])))
        if layer.name.startswith("selector")
        else layer
        for layer in network.layers
    ]
    return IntegerNetwork(config, network.pixel_pad, tuple(layers))
