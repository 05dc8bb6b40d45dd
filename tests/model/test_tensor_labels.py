"""Short names of weight tensors."""

import pytest
import torch

from model.network import Spikformer, prunable
from model.tensor_labels import tensor_label
from sparsespike.contract.network import NetworkConfig


@pytest.mark.parametrize(
    ("tensor", "label"),
    [
        ("patch_embed.proj_conv.weight", "conv0"),
        ("patch_embed.proj_conv3.weight", "conv3"),
        ("patch_embed.rpe_conv.weight", "rpe"),
        ("block.3.attn.q_linear.weight", "block.3.q"),
        ("block.0.mlp.fc2_linear.weight", "block.0.fc2"),
        ("predictor.1.linear.0.weight", "selector.1.hidden"),
        ("predictor.1.linear.2.weight", "selector.1.score"),
        ("head.weight", "head"),
    ],
)
def test_labels_by_hand(tensor, label):
    assert tensor_label(tensor) == label


def test_every_weight_of_a_large_network_has_its_own_label():
    config = NetworkConfig(
        time_steps=4, image_size=32, dim=48, depth=4, heads=12, selector_blocks=(1, 2, 3)
    )
    with torch.device("meta"):
        tensors = list(prunable(Spikformer(config)))
    assert len({tensor_label(tensor) for tensor in tensors}) == len(tensors)


@pytest.mark.parametrize("tensor", ["head.bias", "patch_embed.proj_bn.weight", "norm.weight"])
def test_other_tensors_are_refused(tensor):
    with pytest.raises(ValueError, match="is not a weight tensor"):
        tensor_label(tensor)
