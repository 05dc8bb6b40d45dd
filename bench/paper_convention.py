"""The papers' theoretical energy of a dense Spikformer-4-384: from counters, and by hand.

    python -m bench.paper_convention

The network has random weights, none of them zero, and thresholds that let its neurons fire at about
the rate of a trained one; the arithmetic does not depend on which. Takes minutes.
"""

import numpy as np
from numpy.typing import NDArray

from model import zoo
from reports.convention import paper_energy
from reports.summary import counter_frame
from reports.workload import layer_work
from sim import simulate
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.network import IntegerLayer, IntegerNetwork, NetworkConfig

SPIKFORMER = NetworkConfig(time_steps=4, image_size=32, dim=384, depth=4, heads=12)
AC, MAC = 0.9e-12, 4.6e-12
SEED, SPREAD, PIXEL = 0, 20.0, 120
# A neuron fires when its first current exceeds so many standard deviations.
LEVELS = {"conv0": 1.0, "conv1": 1.3, "conv2": 2.2, "conv3": 2.2}
INPUT_SQUARES = {"conv0": 3600.0}


def main() -> None:
    """Print both energies, layer by layer."""
    network = dense_network(SPIKFORMER)
    image = zoo.sample_images().images[:1]
    run = simulate(compile_network(network, load_engine("large")), image, keep_tensors=True)
    work = layer_work(SPIKFORMER).set_index("layer")
    additions = dict(
        zip(run.layers, run.counters[0, :, COUNTERS.index("additions")].tolist(), strict=True)
    )
    assert run.tensors is not None
    hand = float(work.at["conv0", "macs"]) * MAC
    for name, source in sources(SPIKFORMER).items():
        rate = tap_rate(run.tensors[source][0], convolution=name in LEVELS or name == "rpe")
        joule = rate * float(work.at[name, "macs"]) * SPIKFORMER.time_steps * AC
        hand += joule
        print(f"| {name} | {work.at[name, 'macs']:,} | {rate:.4f} | {joule * 1e6:.2f} "
              f"| {additions[name]:,} |")  # fmt: skip
    counted = paper_energy(counter_frame(run.layers, run.counters), SPIKFORMER, images=1)
    print(f"by hand {hand * 1e6:.2f} uJ, from counters {counted.formula_joule * 1e6:.2f} uJ "
          f"({counted.formula_joule / hand - 1:+.2%}), operations done "
          f"{counted.counted_joule * 1e6:.2f} uJ, cycles {run.cycles.sum():,}")  # fmt: skip


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
    main()
