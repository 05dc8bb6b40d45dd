"""The golden model against SpikingJelly on dequantised weights, layer by layer."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from model import zoo
from model.integer import GoldenTrace, golden_forward, golden_logits
from model.layer_inputs import layer_inputs
from model.random_network import random_images, random_integer_network
from sparsespike.contract import numeric
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerNetwork, NetworkConfig
from tests.model import oracle

RANDOM = [
    (steps, dim, density, bits, seed)
    for seed, (steps, dim, density, bits) in enumerate(
        [
            (1, 8, 1.0, 8),
            (2, 16, 0.3, 4),
            (3, 12, 0.1, 6),
            (4, 24, 0.05, 8),
            (8, 16, 0.5, 8),
            (16, 8, 0.2, 8),
            (4, 16, 0.01, 4),
            (4, 20, 1.0, 6),
        ]
    )
]


@cache
def random_case(case) -> tuple[IntegerNetwork, np.ndarray]:
    steps, dim, density, bits, seed = case
    config = NetworkConfig(
        time_steps=steps,
        image_size=8 - seed % 2,
        dim=dim,
        depth=1 + seed % 2,
        heads=4,
        selector_blocks=(0,) if seed % 3 else (),
        keep_ratio=0.7,
        weight_bits=bits,
        stem_pools=(False, seed % 4 == 3, False, True),
    )
    return (
        random_integer_network(config, weight_density=density, seed=seed),
        random_images(config, 3, seed=seed + 100),
    )


def mismatches(network: IntegerNetwork, images: np.ndarray, trace: GoldenTrace) -> dict[str, int]:
    """Per LIF layer the spikes that differ from the oracle given the same golden input."""
    found, ties = {}, 0
    inputs = layer_inputs(network, images, trace)
    for layer in network.layers:
        if layer.kind not in ("conv", "linear", "attention"):
            continue
        result = oracle.fire(network, layer, inputs[layer.name])
        ties += result.ties
        expected = result.spikes
        name = layer.name
        if name.startswith("conv") and network.config.stem_pools[int(name[4:])]:
            expected = oracle.pool(expected)
        if name == "rpe":
            expected = expected + trace.layers["conv3"]
        elif name.endswith(".proj"):
            expected = expected + inputs[name.replace("proj", "qkv")]
        elif name.endswith(".fc2"):
            expected = expected + inputs[name.replace("fc2", "fc1")]
        found[name] = int((expected != trace.layers[name]).sum())
    assert ties == 0
    return found


@pytest.mark.parametrize("case", RANDOM, ids=str)
def test_random_networks_equal_spikingjelly(case):
    network, images = random_case(case)
    assert set(mismatches(network, images, golden_forward(network, images)).values()) == {0}


def test_nano_on_real_images_equals_spikingjelly():
    network, images = zoo.load_integer("nano"), zoo.sample_images().images[:4]
    assert set(mismatches(network, images, golden_forward(network, images)).values()) == {0}


@pytest.mark.parametrize(
    "name",
    [
        "conv0",
        "conv2",
        "rpe",
        "block.0.qkv",
        "block.0.attn",
        "block.0.proj",
        "block.0.fc1",
        "block.0.fc2",
    ],
)
def test_the_comparison_sees_one_wrong_number(name):
    network, images = random_case(RANDOM[3])
    layer = network.layer(name)
    changed = replace(layer, threshold=layer.threshold + np.maximum(layer.threshold // 4, 1))
    layers = tuple(changed if x.name == name else x for x in network.layers)
    trace = golden_forward(replace(network, layers=layers), images)
    assert mismatches(network, images, trace)[name] > 0


@pytest.mark.parametrize("case", RANDOM[1:5], ids=str)
def test_selector_follows_its_rule(case):
    network, images = random_case(case)
    trace = golden_forward(network, images)
    inputs = layer_inputs(network, images, trace)
    for name, kept in trace.kept.items():
        layer, table = network.layer(name), numeric.gelu_table()
        for image in range(len(images)):
            scores = []
            for position in range(inputs[name].shape[2]):
                z = [int(v) for v in inputs[name][image, :, position].sum(0, dtype=np.int64)]
                score = 0
                for c in range(len(layer.bias)):
                    h = sum(int(w) * v for w, v in zip(layer.weight[c], z, strict=True))
                    product = (h + int(layer.bias[c])) * int(layer.multiplier[c])
                    half = 2 ** (layer.shift - 1) if layer.shift else 0
                    q = max(-128, min(127, (product + half) // 2**layer.shift))
                    score += int(table[q % 256]) * int(layer.score_weight[c])
                scores.append(score)
            assert trace.layers[name][image].tolist() == scores
            best = sorted(range(len(scores)), key=lambda n: (-scores[n], n))[: layer.keep]
            assert kept[image].tolist() == sorted(best)


@pytest.mark.parametrize("case", RANDOM[:4], ids=str)
def test_head_is_the_sum_over_time_and_kept_tokens(case):
    network, images = random_case(case)
    trace, head = golden_forward(network, images), network.layer("head")
    last = trace.layers[network.layers[-2].name].astype(np.int64).sum((1, 2))
    assert np.array_equal(trace.logits, last @ head.weight.astype(np.int64).T + head.bias)
    assert np.array_equal(trace.logits, golden_logits(network, images))


def test_shapes_and_types_of_a_trace():
    network, images = zoo.load_integer("tiny"), None
    images = random_images(network.config, 2, seed=0)
    trace = golden_forward(network, images)
    assert tuple(trace.layers) == network.config.layer_names()
    shapes = {name: value.shape for name, value in trace.layers.items()}
    assert shapes["conv2"] == (2, 4, 4, 8)
    assert shapes["conv0"] == (2, 4, 16, 2)
    assert shapes["selector.0"] == (2, 4)
    assert shapes["block.0.qkv"] == (2, 4, 2, 48)
    assert shapes["block.0.attn"] == (2, 4, 2, 16)
    assert shapes["head"] == (2, 10)
    assert trace.kept["selector.0"].shape == (2, 2)
    assert (np.diff(trace.kept["selector.0"]) > 0).all()
    types = {name: value.dtype for name, value in trace.layers.items()}
    assert types.pop("head") == types.pop("selector.0") == np.int64
    assert set(types.values()) == {np.dtype(np.uint8)}


def test_images_of_a_batch_do_not_mix():
    network = zoo.load_integer("tiny")
    images = random_images(network.config, 5, seed=3)
    together = golden_forward(network, images)
    for index in range(5):
        alone = golden_forward(network, images[index : index + 1])
        for name, value in alone.layers.items():
            assert np.array_equal(value[0], together.layers[name][index])


def test_wrong_images_are_refused():
    network = zoo.load_integer("tiny")
    with pytest.raises(ContractError, match=r"the network takes uint8 \(B, 8, 8, 3\)"):
        golden_forward(network, np.zeros((1, 9, 8, 3), np.uint8))


def test_the_golden_model_holds_no_float():
    source = Path(zoo.__file__).parent
    for name in ("integer.py", "integer_ops.py"):
        text = (source / name).read_text()
        assert "float" not in text
        assert "double" not in text
