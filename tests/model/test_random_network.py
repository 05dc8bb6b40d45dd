"""Random networks: they fire, they repeat, they have the density asked for."""

import numpy as np
import pytest

from model import zoo
from model.integer import golden_forward
from model.layer_inputs import layer_inputs
from model.random_network import FIRING_LIMITS, random_images, random_integer_network
from model.tiny import make_tiny
from sparsespike.contract.network import NetworkConfig


def firing(network, images):
    """Share of spikes of every LIF layer but attention, residuals taken off again."""
    trace = golden_forward(network, images)
    inputs = layer_inputs(network, images, trace)
    rates = {}
    for layer in network.layers:
        value = trace.layers[layer.name].astype(np.int64)
        if layer.name == "rpe":
            value = value - inputs["rpe"]
        elif layer.name.endswith((".proj", ".fc2")):
            start = ".qkv" if layer.name.endswith(".proj") else ".fc1"
            value = value - inputs[layer.name[: layer.name.rindex(".")] + start]
        if layer.kind in ("conv", "linear"):
            rates[layer.name] = value.mean()
    attention = [trace.layers[x.name].mean() for x in network.layers if x.kind == "attention"]
    return rates, attention


def test_layers_fire_in_at_least_nine_of_ten_networks():
    silent, silent_attention, seeds = [], 0, 40
    rng = np.random.default_rng(0)
    for seed in range(seeds):
        config = NetworkConfig(
            time_steps=int(rng.choice([1, 2, 3, 4, 8])),
            image_size=8,
            dim=int(rng.choice([8, 16, 24])),
            depth=int(rng.integers(1, 3)),
            heads=2,
            weight_bits=int(rng.choice([4, 6, 8])),
            stem_pools=(False, False, False, True),
        )
        density = float(rng.choice([0.01, 0.05, 0.3, 1.0]))
        network = random_integer_network(config, weight_density=density, seed=seed)
        rates, attention = firing(network, random_images(config, 4, seed=seed))
        low, high = FIRING_LIMITS
        silent += [seed] if not all(low < r < high for r in rates.values()) else []
        silent_attention += not all(low < r < high for r in attention)
    assert len(silent) <= seeds // 10
    assert silent_attention <= seeds // 10


def test_same_seed_same_network_other_seed_other_network():
    config = make_tiny().config
    first, again, other = (
        random_integer_network(config, weight_density=0.2, seed=s).content_hash() for s in (3, 3, 4)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize("density", [0.01, 0.25, 1.0])
def test_density_and_uneven_fan_out(density):
    config = NetworkConfig(time_steps=4, image_size=8, dim=24, depth=1, heads=2)
    network = random_integer_network(config, weight_density=density, seed=0)
    weight = network.layer("block.0.fc1").weight
    assert np.count_nonzero(weight) == round(density * weight.size)
    fan_out = np.count_nonzero(weight, axis=1)
    if density == 0.25:
        assert fan_out.max() >= 2 * np.median(fan_out)


def test_bad_density_is_refused():
    with pytest.raises(ValueError, match="weight_density must be in"):
        random_integer_network(make_tiny().config, weight_density=0.0, seed=0)


def test_tiny_is_the_shipped_one():
    assert make_tiny().content_hash() == zoo.load_integer("tiny").content_hash()
