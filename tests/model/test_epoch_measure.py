"""What is logged of a network, and that measuring leaves it as it was."""

import pytest
import torch

from model.epoch_measure import as_selected, measure_epoch
from model.evaluate import evaluate_float
from model.firing import firing_rates
from model.network import Spikformer
from model.on_device import on_device
from model.pixels import CIFAR_PIXELS
from model.prune import hold_zeros, magnitude_masks, weight_sparsity
from model.recalibrate import recalibrate
from tests.model.tiny_training import dark_and_bright, make_recipe

TEST = dark_and_bright(40)


@pytest.fixture
def network(tmp_path):
    torch.manual_seed(0)
    network = Spikformer(make_recipe(tmp_path).network)
    hold_zeros(network, magnitude_masks(network, 0.5))
    recalibrate(network, TEST, CIFAR_PIXELS, batch=40)  # neurons that are calibrated fire
    return network


def test_layers_are_those_of_the_integer_network(network):
    measured = measure_epoch(network, CIFAR_PIXELS, test=None, probe=TEST, selection="all")
    assert measured.accuracy is None
    assert measured.weight_sparsity == weight_sparsity(network)
    assert tuple(measured.layers) == network.config.layer_names()
    without = [name for name, row in measured.layers.items() if row["firing_rate"] is None]
    assert without == ["selector.0", "head"]
    assert [name for name, row in measured.layers.items() if row["density"] is None] == [
        "block.0.attn"
    ]
    q, k, v = (getattr(network.block[0].attn, f"{part}_linear").weight for part in "qkv")
    kept = sum(int(w.count_nonzero()) for w in (q, k, v))
    assert measured.layers["block.0.qkv"]["density"] == kept / (3 * q.numel())


@pytest.mark.parametrize("selection", ["all", "top"])
def test_it_is_measured_as_it_runs_and_left_as_it_was(network, selection):
    network.train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    measured = measure_epoch(network, CIFAR_PIXELS, test=TEST, probe=TEST, selection=selection)
    after = network.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    assert measured.accuracy == evaluate_float(network, CIFAR_PIXELS, TEST, selection=selection)


def test_without_selectors_no_token_is_dropped(network):
    whole = as_selected(network, "all")
    images = CIFAR_PIXELS.normalize(torch.from_numpy(TEST.images))
    assert torch.equal(whole(images, "top").logits, network(images, "all").logits)
    assert firing_rates(whole, images) != firing_rates(network, images)
    assert as_selected(network, "top") is network
    assert network.config.selector_blocks == (0,)


def test_a_placed_network_takes_and_gives_what_the_network_does(network):
    images = CIFAR_PIXELS.normalize(torch.from_numpy(TEST.images))
    with on_device(network, "cpu") as placed:
        for one, other in zip(placed(images, "top"), network(images, "top"), strict=True):
            assert torch.equal(one, other)
        placed.train()
        assert network.training
