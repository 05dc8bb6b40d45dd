"""The papers' theoretical energy of a dense Spikformer-4-384: from counters, and by hand.

    python -m bench.paper_convention [--write-docs]

Exit code 1 if they differ by 2 % or more. The network has random weights, none of them zero, and
thresholds that let its neurons fire at about the rate of a trained one; the arithmetic does not
depend on which. Takes seconds.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.blocks import write_block
from bench.markdown_table import markdown_table
from model import zoo
from reports.convention import Convention, paper_energy
from reports.summary import counter_frame
from reports.workload import layer_work
from sim import simulate
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.network import IntegerLayer, IntegerNetwork, NetworkConfig

SPIKFORMER = NetworkConfig(time_steps=4, image_size=32, dim=384, depth=4, heads=12)
AC, MAC = 0.9e-12, 4.6e-12
TOLERANCE = 0.02
ROOM = 6912
"""Weights of a lane: two channels of rpe, the heaviest layer, without a zero."""
DOCUMENT = Path(__file__).parent.parent / "docs" / "energy.md"
BLOCK = "convention"
SEED, SPREAD, PIXEL = 0, 20.0, 120
# A neuron fires when its first current exceeds so many standard deviations.
LEVELS = {"conv0": 1.0, "conv1": 1.3, "conv2": 2.2, "conv3": 2.2}
INPUT_SQUARES = {"conv0": 3600.0}


class Row(NamedTuple):
    """A layer by hand: dense MACs of a step, bits set an input, joules; additions as counted."""

    layer: str
    macs: int
    rate: float
    joule: float
    additions: int


def main(arguments: list[str] | None = None) -> int:
    """Measures and prints; 0 if counters and hand arithmetic agree within 2 %, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.paper_convention")
    parser.add_argument("--write-docs", action="store_true", help="also into docs/energy.md")
    options = parser.parse_args(arguments)
    network = dense_network(SPIKFORMER)
    image = zoo.sample_images().images[:1]
    run = simulate(
        compile_network(network, load_engine("large", weight_depth=ROOM)), image, keep_tensors=True
    )
    assert run.tensors is not None
    rows = _by_hand(run.layers, run.counters[0], run.tensors)
    counted = paper_energy(counter_frame(run.layers, run.counters), SPIKFORMER, images=1)
    text = _text(rows, counted)
    print(text)
    if options.write_docs:
        write_block(DOCUMENT, BLOCK, text)
    return 0 if abs(counted.formula_joule / _hand_joule(rows) - 1) < TOLERANCE else 1


def _by_hand(
    layers: Sequence[str],
    counters: NDArray[np.int64],
    tensors: Mapping[str, NDArray[np.int64]],
) -> list[Row]:
    work = layer_work(SPIKFORMER).set_index("layer")
    column = COUNTERS.index("additions")
    additions = dict(zip(layers, counters[:, column].tolist(), strict=True))
    rows = []
    for name, source in sources(SPIKFORMER).items():
        rate = tap_rate(tensors[source][0], convolution=name in LEVELS or name == "rpe")
        macs = int(work.at[name, "macs"])
        joule = rate * macs * SPIKFORMER.time_steps * AC
        rows.append(Row(name, macs, rate, joule, additions[name]))
    return rows


def _first_layer_joule() -> float:
    return int(layer_work(SPIKFORMER).set_index("layer").at["conv0", "macs"]) * MAC


def _hand_joule(rows: list[Row]) -> float:
    return _first_layer_joule() + sum(row.joule for row in rows)


def _text(rows: list[Row], counted: Convention) -> str:
    """The block of the document: a line for each layer of the stem, one for each block."""
    cells = []
    for name, group in groupby(rows, key=lambda row: row.layer.rpartition(".")[0] or row.layer):
        parts = list(group)
        title = name
        if name.startswith("block."):
            names = ", ".join(row.layer.rpartition(".")[2] for row in parts)
            title = f"{name.replace('.', ' ')}: {names}"
        macs, additions = sum(row.macs for row in parts), sum(row.additions for row in parts)
        rates = ", ".join(f"{row.rate:.4f}" for row in parts)
        micro = f"{sum(row.joule for row in parts) * 1e6:.2f}"
        cells.append((title, f"{macs:,}", rates, micro, f"{additions:,}"))
    table = markdown_table(
        "layers | > dense MACs | > bits set an input | > uJ by hand | > additions counted", cells
    )
    hand, formula = _hand_joule(rows) * 1e6, counted.formula_joule * 1e6
    return (
        f"{table}\n\nBy hand, with {_first_layer_joule() * 1e6:.2f} uJ for conv0: {hand:.2f} uJ. "
        f"From the counters: {formula:.2f} uJ, **{formula / hand - 1:+.2%}** (attention and\n"
        "head, which the table leaves out). Operations that are really done, without borders: "
        f"{counted.counted_joule * 1e6:.2f} uJ."
    )


def dense_network(config: NetworkConfig) -> IntegerNetwork:
    """A network of `config` without a zero weight."""
    rng = np.random.default_rng(SEED)
    layers = tuple(_layer(config, name, rng) for name in config.layer_names())
    pad = np.full(config.in_channels, PIXEL, np.uint8)
    return IntegerNetwork(config=config, pixel_pad=pad, layers=layers)


def sources(config: NetworkConfig) -> dict[str, str]:
    """Layer -> the layer whose stored output it reads, where that is spikes or counts."""
    found = {"conv1": "conv0", "conv2": "conv1", "conv3": "conv2", "rpe": "conv3"}
    before = "rpe"
    for block in range(config.depth):
        part = f"block.{block}."
        found |= {part + "qkv": before, part + "proj": part + "attn"}
        found |= {part + "fc1": part + "proj", part + "fc2": part + "fc1"}
        before = part + "fc2"
    return found


def tap_rate(x: NDArray[np.int64], *, convolution: bool) -> float:
    """Set bits an input (T, tokens, channels) shows to a weight, on average over its uses."""
    ones = sum(((x >> bit) & 1).sum((0, 2)) for bit in range(8))
    uses = np.ones(x.shape[1])
    if convolution:
        size = round(x.shape[1] ** 0.5)
        edge = np.arange(size)
        inside = np.minimum(np.minimum(edge, edge[::-1]) + 2, 3)
        uses = np.outer(inside, inside).ravel().astype(float)
    return float((ones * uses).sum() / uses.sum() / (x.shape[0] * x.shape[2]))


def _layer(config: NetworkConfig, name: str, rng: np.random.Generator) -> IntegerLayer:
    kind, none = config.layer_kind(name), np.zeros(0, np.int64)
    if kind == "attention":
        threshold = np.array([64], np.int64)
        return IntegerLayer(name, kind, none.astype(np.int8), none, threshold, none.astype(float))
    shape = config.weight_shape(name)
    weight = rng.normal(0, SPREAD, shape).round().clip(-127, 127)
    weight[weight == 0] = 1
    out = shape[0]
    fan_in = weight[0].size
    squares = INPUT_SQUARES.get(name, 0.15)
    level = LEVELS.get(name, 1.0) * SPREAD * (fan_in * squares) ** 0.5
    threshold = np.full(out, np.ceil(level * 2 ** (config.time_steps - 1)), np.int64)
    offset = weight.reshape(out, -1).sum(1) * (PIXEL if name == "conv0" else 0.15)
    return IntegerLayer(
        name,
        kind,
        weight.astype(np.int8),
        -offset.round().astype(np.int64),
        none if kind == "head" else threshold,
        np.ones(out),
    )


if __name__ == "__main__":
    sys.exit(main())
