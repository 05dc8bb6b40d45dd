"""The recurrences against the twin that steps every cycle, and both against the golden model."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from model.integer import golden_forward
from model.random_network import random_images, random_integer_network
from sim import simulate
from sim.naive import simulate_naive
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.network import NetworkConfig

BIG = {
    "mask_depth": 4096,
    "weight_depth": 8192,
    "spike_depth": 1 << 16,
    "count_depth": 1 << 14,
    "count_bits": 4,
    "head_slots": 256,
    "attention_depth": 4096,
    "accumulator_bits": 28,
    "membrane_bits": 44,
}
POOLS = [
    (False, False, False, True),
    (True, False, True, False),
    (False, True, False, True),
    (True, True, True, True),
]


@dataclass(frozen=True)
class Pair:
    """An engine and a network; `variant` chooses pools, channels and sizes."""

    clusters: int
    lanes: int
    chunk: int
    fifo: int
    adders: int
    steps: int
    latency: int
    interval: int
    axi: int
    units: int
    density: float
    selectors: tuple[int, ...]
    variant: int = 0
    bits: int = 8
    channels: int = 1
    kind: str = "matching"

    def build(self):
        engine = load_engine(
            "small",
            clusters=self.clusters,
            lanes=self.lanes,
            lane_channels=self.channels,
            lane_kind=self.kind,
            chunk=self.chunk,
            fifo_depth=self.fifo,
            time_steps=self.adders,
            memory_latency=self.latency,
            memory_interval=self.interval,
            axi_data_bits=self.axi,
            attention_units=self.units,
            weight_bits=self.bits,
            **BIG,
        )
        config = NetworkConfig(
            time_steps=self.steps,
            image_size=(8, 5, 7, 8)[self.variant],
            in_channels=(3, 1, 4, 2)[self.variant],
            dim=(16, 12, 24, 8)[self.variant],
            heads=(2, 3, 4, 1)[self.variant],
            depth=1 + (self.variant == 3),
            mlp_ratio=(2, 1, 1, 4)[self.variant],
            classes=(10, 3, 11, 17)[self.variant],
            stem_pools=POOLS[self.variant],
            selector_blocks=self.selectors,
            keep_ratio=0.6 if self.selectors else 1.0,
            weight_bits=self.bits,
        )
        return engine, random_integer_network(config, weight_density=self.density, seed=7)


PAIRS = [
    #    K  L   C   F  A  T  lat int axi  units density selectors variant bits channels
    Pair(1, 1, 4, 1, 1, 1, 1, 1, 64, 1, 0.3, ()),
    Pair(1, 4, 8, 4, 4, 4, 20, 1, 64, 1, 0.1, (0,)),
    Pair(2, 3, 4, 2, 2, 4, 5, 2, 64, 1, 0.2, (0,), 1),
    Pair(3, 4, 16, 8, 4, 2, 60, 1, 64, 2, 1.0, (0,), 1),
    Pair(4, 8, 16, 8, 4, 4, 20, 1, 64, 4, 0.1, (0,)),
    Pair(4, 8, 16, 8, 4, 4, 20, 3, 128, 3, 0.1, (0, 1), 3),
    Pair(2, 16, 4, 3, 8, 8, 2, 1, 64, 2, 0.3, (), 2),
    Pair(1, 16, 8, 1, 3, 8, 7, 1, 128, 1, 1.0, (0,), 1),
    Pair(3, 3, 32, 5, 1, 2, 33, 2, 64, 3, 0.05, (1,), 3),
    Pair(4, 1, 64, 2, 2, 3, 1, 3, 64, 2, 0.01, (0,), 2),
    Pair(2, 8, 64, 8, 3, 3, 60, 1, 128, 1, 0.01, (0,)),
    Pair(4, 4, 8, 2, 8, 1, 3, 1, 64, 4, 0.5, (), 1),
    Pair(1, 8, 32, 6, 4, 8, 11, 1, 64, 1, 1.0, (), 2, 4),
    Pair(3, 16, 16, 4, 2, 1, 4, 1, 128, 3, 0.2, (0, 1), 3, 6),
    Pair(2, 5, 8, 7, 4, 3, 20, 2, 64, 2, 0.1, (0,), 1, 4),
    Pair(4, 3, 4, 1, 8, 4, 1, 1, 128, 2, 0.02, (1,), 3),
    Pair(1, 1, 4, 1, 1, 1, 1, 1, 64, 1, 0.3, (), channels=2),
    Pair(4, 8, 16, 8, 4, 4, 20, 1, 64, 4, 0.1, (0,), channels=2),
    Pair(2, 3, 8, 2, 2, 4, 5, 2, 64, 1, 0.2, (0,), 1, channels=2),
    Pair(3, 5, 16, 3, 4, 8, 20, 1, 128, 2, 1.0, (0, 1), 3, 4, channels=2),
    Pair(2, 16, 32, 16, 3, 2, 9, 1, 128, 2, 0.05, (0,), 2, channels=2),
    Pair(1, 1, 4, 1, 1, 1, 1, 1, 64, 1, 0.3, (), kind="serial"),
    Pair(4, 8, 16, 8, 4, 4, 20, 1, 64, 4, 0.3, (0,), kind="serial"),
    Pair(3, 5, 16, 3, 4, 8, 20, 1, 128, 2, 1.0, (0, 1), 3, 4, channels=2, kind="serial"),
]


def assert_same(found, expected):
    """All of two results, time apart."""
    different = [
        (name, counter, image)
        for image, layer, column in np.argwhere(found.counters != expected.counters)
        for name, counter in [(found.layers[layer], COUNTERS[column])]
    ]
    assert different == []
    assert np.array_equal(found.cycles, expected.cycles)
    assert np.array_equal(found.logits, expected.logits)
    for field in ("tensors", "scores", "kept"):
        ours, theirs = getattr(found, field), getattr(expected, field)
        assert ours.keys() == theirs.keys()
        for name in ours:
            assert np.array_equal(ours[name], theirs[name]), (field, name)


def assert_golden(found, network, images):
    """Outputs of every layer, on the tokens it walked."""
    golden = golden_forward(network, images)
    assert np.array_equal(found.logits, golden.logits)
    for name, kept in found.kept.items():
        assert np.array_equal(kept, golden.kept[name])
        assert np.array_equal(found.scores[name], golden.layers[name])
    for name, tensor in found.tensors.items():
        expected = golden.layers[name]
        for image in range(len(images)):
            ours = tensor[image]
            if ours.shape != expected[image].shape:
                block = int(name.split(".")[1])
                chosen = sum(b <= block for b in network.config.selector_blocks) - 1
                ours = ours[:, golden.kept[f"selector.{chosen}"][image]]
            assert np.array_equal(ours, expected[image]), name


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_same_as_naive_twin(pair):
    engine, network = pair.build()
    program = compile_network(network, engine)
    images = random_images(network.config, 1, seed=3)
    found = simulate(program, images, keep_tensors=True)
    assert_same(found, simulate_naive(program, images, keep_tensors=True))
    assert_golden(found, network, images)


@pytest.mark.parametrize("bias", [-(1 << 20), 1 << 20], ids=["silent", "all fire"])
def test_silent_and_always_firing_networks(bias):
    engine, network = PAIRS[4].build()
    layers = tuple(
        replace(layer, bias=np.full_like(layer.bias, bias)) if layer.threshold.size else layer
        for layer in network.layers
    )
    network = replace(network, layers=layers)
    program = compile_network(network, engine)
    images = np.full((1, 8, 8, 3), 0 if bias < 0 else 255, np.uint8)
    found = simulate(program, images, keep_tensors=True)
    assert_same(found, simulate_naive(program, images, keep_tensors=True))
    assert_golden(found, network, images)
    spikes = found.counters[0, :, COUNTERS.index("spikes_fired")].sum()
    assert (spikes == 0) == (bias < 0)
