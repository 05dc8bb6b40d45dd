"""Counts walked in 2-bit digits: recurrences, cycle-stepping twin, golden model, and bit-planes."""

from dataclasses import replace

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

SIZES = {
    "accumulator_bits": 28,
    "membrane_bits": 44,
    "spike_depth": 1 << 13,
    "count_depth": 1 << 11,
    "mask_depth": 512,
    "weight_depth": 2048,
    "max_layers": 128,
    "attention_depth": 1024,
}
COUNTED = ("selector", "qkv", "fc1", "head")


def setup(fields, steps, depth, *, bias=None):
    """Program of a small network with `digit_bits` 2 and with 1, its network and images."""
    engine = load_engine("small", **(SIZES | fields | {"digit_bits": 2}))
    config = NetworkConfig(
        time_steps=steps,
        image_size=5,
        dim=12,
        heads=2,
        depth=depth,
        mlp_ratio=1,
        stem_pools=(False, True, False, False),
        selector_blocks=(depth - 1,),
        keep_ratio=0.6,
    )
    network = random_integer_network(config, weight_density=0.3, seed=5)
    if bias is not None:
        layers = (
            replace(layer, bias=np.full_like(layer.bias, bias)) if layer.threshold.size else layer
            for layer in network.layers
        )
        network = replace(network, layers=tuple(layers))
    bands = dict.fromkeys((layer.name for layer in network.layers if "attn" not in layer.name), 1)
    programs = [
        compile_network(network, engine.model_copy(update={"digit_bits": bits}), bands=bands)
        for bits in (2, 1)
    ]
    return *programs, network, random_images(config, 1, seed=3)


def assert_same(found, expected):
    """Counters, cycles and every output."""
    assert np.array_equal(found.counters, expected.counters)
    assert np.array_equal(found.cycles, expected.cycles)
    assert_values(found, expected)


def assert_values(found, expected):
    """Every output."""
    assert np.array_equal(found.logits, expected.logits)
    for field in ("tensors", "scores", "kept"):
        ours, theirs = getattr(found, field), getattr(expected, field)
        assert ours.keys() == theirs.keys()
        for name in ours:
            assert np.array_equal(ours[name], theirs[name]), (field, name)


@pytest.mark.parametrize(
    "fields, steps, depth, bias",
    [
        ({"chunk": 8, "lanes": 4, "time_steps": 4, "count_bits": 3}, 4, 2, None),
        ({"chunk": 16, "lanes": 5, "time_steps": 1, "count_bits": 4, "fifo_depth": 1}, 2, 3, None),
        ({"chunk": 32, "lanes": 8, "time_steps": 2, "count_bits": 5, "clusters": 3}, 4, 6, None),
        ({"chunk": 4, "lanes": 3, "time_steps": 3, "count_bits": 6}, 1, 2, None),
        # All counts at their highest: 5 of 5 bits, 4 of 4 bits, 6 of 6 bits.
        ({"chunk": 8, "lanes": 8, "time_steps": 4, "count_bits": 5}, 4, 14, 1 << 20),
        ({"chunk": 16, "lanes": 8, "time_steps": 2, "count_bits": 4}, 2, 6, 1 << 20),
        ({"chunk": 32, "lanes": 16, "time_steps": 1, "count_bits": 6}, 1, 15, 1 << 20),
    ],
)
def test_digits(fields, steps, depth, bias):
    digits, planes, network, images = setup(fields, steps, depth, bias=bias)
    found = simulate(digits, images, keep_tensors=True)
    assert_same(found, simulate_naive(digits, images, keep_tensors=True))
    assert np.array_equal(found.logits, golden_forward(network, images).logits)
    expected = simulate(planes, images, keep_tensors=True)
    assert_values(found, expected)
    fewer = []
    for name in ("chunks_broadcast", "weights_read", "additions", "queue_entries"):
        column = COUNTERS.index(name)
        ours, theirs = found.counters[..., column].sum(0), expected.counters[..., column].sum(0)
        counted = np.array([any(kind in layer for kind in COUNTED) for layer in found.layers])
        assert np.array_equal(ours[~counted], theirs[~counted]), name
        assert (ours[counted] <= theirs[counted]).all(), name
        fewer.append((ours < theirs).any())
    assert all(fewer)
    if bias:
        # Every count that the head reads is the highest there is.
        scans = found.counters[0, :, COUNTERS.index("chunks_scanned")]
        beats = found.counters[0, :, COUNTERS.index("chunks_broadcast")]
        head = found.layers.index("head")
        most = 2 + 2 * depth
        loud = sum(most >> 2 * place & 3 > 0 for place in range(3))
        assert beats[head] == loud * scans[head]


def test_descriptors_do_not_depend_on_digits():
    digits, planes, _, _ = setup({"chunk": 8, "count_bits": 3}, 2, 1)
    pairs = zip(digits.layers, planes.layers, strict=True)
    assert all(one.descriptor == other.descriptor for one, other in pairs)
    assert np.array_equal(digits.weight_stream(), planes.weight_stream())
