"""Weights that are left, per tensor: they sum up to the network's sparsity, exactly."""

import torch

from model import zoo
from model.checkpoint import load_checkpoint
from model.network import Spikformer
from model.prune import weight_sparsity
from model.weight_density import weight_density
from sparsespike.contract.network import NetworkConfig

CONFIG = NetworkConfig(
    time_steps=1, image_size=8, dim=8, depth=2, heads=2, selector_blocks=(1,), keep_ratio=0.5
)


def test_sums_are_the_sparsity_of_the_card():
    network = load_checkpoint(zoo.float_path("nano")).network
    frame = weight_density(network)
    sparsity = 1 - int(frame["nonzero"].sum()) / int(frame["weights"].sum())
    assert sparsity == weight_sparsity(network)
    assert sparsity == zoo.card("nano")["weight_sparsity"]


def test_rows_follow_execution_and_count_zeros():
    network = Spikformer(CONFIG)
    with torch.no_grad():
        network.head.weight[0] = 0
    frame = weight_density(network)
    layers = frame["layer"].tolist()
    assert layers[:6] == ["conv0", "conv1", "conv2", "conv3", "rpe", "block.0.q"]
    assert layers[-3:] == ["selector.0.hidden", "selector.0.score", "head"]
    assert frame["weights"].iloc[-1] == 80
    assert frame["nonzero"].iloc[-1] == 72
