"""Layers in bands: the recurrences, the twin that steps every cycle, and the golden model."""

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

LAYERS = ("conv0", "conv1", "conv2", "conv3", "rpe", "selector.0", "head")
PARTS = ("qkv", "proj", "fc1", "fc2")
SIZES = {
    "accumulator_bits": 28,
    "membrane_bits": 44,
    "spike_depth": 1 << 14,
    "count_depth": 1 << 12,
    "mask_depth": 1024,
    "attention_depth": 256,
}


def bands_of(pools, bands, pooled):
    """As many bands as wanted in every layer, `pooled` where a pool follows."""
    wanted = dict.fromkeys([*LAYERS, *(f"block.0.{part}" for part in PARTS)], bands)
    return wanted | {f"conv{i}": pooled for i, pool in enumerate(pools) if pool}


@pytest.mark.parametrize(
    "fields, pools, bands, pooled",
    [
        ({"clusters": 4, "lanes": 3, "chunk": 4}, (False, True, False, False), 4, 1),
        ({"clusters": 6, "lanes": 4, "chunk": 4}, (False, True, False, True), 2, 2),
        (
            {"clusters": 7, "lanes": 2, "chunk": 8, "time_steps": 2},
            (True, False, False, True),
            2,
            2,
        ),
        ({"clusters": 13, "lanes": 4, "chunk": 16}, (False, False, True, False), 4, 4),
    ],
)
def test_same_as_naive_twin_and_golden_model(fields, pools, bands, pooled):
    engine = load_engine("small", **(SIZES | fields))
    config = NetworkConfig(
        time_steps=4,
        image_size=8,
        dim=16,
        depth=1,
        heads=2,
        mlp_ratio=2,
        stem_pools=pools,
        selector_blocks=(0,),
        keep_ratio=0.7,
    )
    network = random_integer_network(config, weight_density=0.2, seed=2)
    wanted = bands_of(pools, bands, pooled)
    program = compile_network(network, engine, bands=wanted)
    found_bands = {x.name: 1 << x.descriptor.split for x in program.layers}
    assert found_bands == wanted | {"block.0.attn": 1}
    images = random_images(config, 1, seed=3)
    found = simulate(program, images, keep_tensors=True)
    naive = simulate_naive(program, images, keep_tensors=True)
    different = np.argwhere(found.counters != naive.counters)
    assert [(found.layers[i], COUNTERS[c]) for _, i, c in different] == []
    golden = golden_forward(network, images)
    for name, tensor in found.tensors.items():
        assert np.array_equal(tensor, naive.tensors[name]), name
        expected = golden.layers[name][0]
        ours = tensor[0]
        if len(ours[0]) != len(expected[0]):
            ours = ours[:, golden.kept["selector.0"][0]]
        assert np.array_equal(ours, expected), name
    assert np.array_equal(found.logits, golden.logits)
