"""Random tickets: as sparse as asked for, uneven, and firing like a trained network."""

import numpy as np
import pytest

from model import zoo
from model.integer import golden_forward
from model.layer_inputs import layer_inputs
from model.random_ticket import SPIKFORMER_4_384, layer_densities, make_ticket, random_ticket
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import NetworkConfig

SMALL = NetworkConfig(
    time_steps=4, image_size=32, dim=48, depth=2, heads=4, selector_blocks=(1,), keep_ratio=0.7
)


@pytest.fixture(scope="module")
def ticket():
    return random_ticket(SMALL, sparsity=0.9, images=zoo.sample_images().images[-4:], seed=0)


def test_densities_are_those_of_a_pruned_network():
    density = layer_densities(SPIKFORMER_4_384, 0.9)
    sizes = {name: np.prod(SPIKFORMER_4_384.weight_shape(name)) for name in density}
    kept = sum(density[name] * sizes[name] for name in sizes)
    assert kept == pytest.approx(0.1 * sum(sizes.values()))
    stem = [density[name] for name in ("conv0", "conv1", "conv2", "conv3", "rpe")]
    assert stem == sorted(stem, reverse=True)
    assert density["block.3.fc2"] < density["block.0.fc2"] < density["block.0.qkv"]


def test_fan_out_is_uneven(ticket):
    assert ticket.weight_sparsity() == pytest.approx(0.9, abs=0.002)
    for layer in ticket.layers:
        if layer.kind == "linear":
            count = np.count_nonzero(layer.weight, axis=1)
            assert count.std() >= 0.5 * count.mean()


def test_a_balanced_ticket_has_as_many_weights_in_every_output():
    images = zoo.sample_images().images[-1:]
    balanced = random_ticket(SMALL, sparsity=0.9, images=images, seed=0, balanced=True)
    assert balanced.weight_sparsity() == pytest.approx(0.9, abs=0.01)
    for layer in balanced.layers:
        if layer.kind in ("conv", "linear"):
            assert (
                np.ptp(np.count_nonzero(layer.weight.reshape(len(layer.weight), -1), axis=1)) == 0
            )


def test_inputs_fire_like_those_of_a_trained_network(ticket):
    images = zoo.sample_images().images[:2]
    inputs = layer_inputs(ticket, images, golden_forward(ticket, images))
    met = weights = 0.0
    for layer in ticket.layers:
        if layer.kind in ("conv", "linear") and layer.name != "conv0":
            share = np.count_nonzero(inputs[layer.name]) / inputs[layer.name].size
            assert 0.03 < share < 0.45
            work = np.count_nonzero(layer.weight) * inputs[layer.name].shape[2]
            met, weights = met + share * work, weights + work
    assert 0.1 < met / weights < 0.2


def test_unknown_ticket_is_refused():
    with pytest.raises(ContractError, match="choose one of spikformer-4-384"):
        make_ticket("spikformer-9")
