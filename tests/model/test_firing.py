"""Firing rates against the spikes of the independent float network."""

import pytest
import torch

from model import zoo
from model.checkpoint import load_checkpoint
from model.firing import firing_rates
from tests.model.float_oracle import FloatOracle
from tests.model.test_float_oracle import CASES, inputs, random_network


def expected_rates(network, images) -> dict[str, float]:
    """Ones and neurons of the oracle, Q, K and V together, by the integer network's names."""
    spikes = FloatOracle(network.state_dict(), network.config).run(images).spikes
    ones, total = {}, {}
    for name, values in spikes.items():
        prefix, part = name.rpartition(".")[::2]
        name = f"{prefix}.qkv" if part in ("q", "k", "v") else name
        ones[name] = ones.get(name, 0) + int(values.sum())
        total[name] = total.get(name, 0) + values.numel()
    return {name: ones[name] / total[name] for name in ones}


@pytest.mark.parametrize("case", CASES)
def test_rates_equal_the_oracle(case):
    network = random_network(case)
    images = inputs(network.config)
    expected = expected_rates(network, images)
    assert list(firing_rates(network, images).items()) == list(expected.items())


def test_rates_of_nano_equal_the_oracle():
    checkpoint = load_checkpoint(zoo.float_path("nano"))
    network = checkpoint.network.double()
    images = inputs(network.config, checkpoint.pixels)
    rates = firing_rates(network, images)
    assert rates == expected_rates(network, images)
    changed = dict(network.state_dict())
    changed["block.0.mlp.fc1_bn.bias"] = changed["block.0.mlp.fc1_bn.bias"] + 0.1
    network.load_state_dict(changed)
    assert rates != firing_rates(network, images)


def test_names_are_those_of_the_spiking_layers():
    network = random_network("selectors")
    config = network.config
    spiking = [n for n in config.layer_names() if config.layer_kind(n) not in ("selector", "head")]
    assert list(firing_rates(network, inputs(config))) == spiking


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_left_as_it_was(training):
    network = random_network("selector").train(training)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    firing_rates(network, inputs(network.config))
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(module.training == training for module in network.modules())
    assert not any(module._forward_hooks for module in network.modules())
    assert not any(module._forward_pre_hooks for module in network.modules())
