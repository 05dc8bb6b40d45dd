"""What a density floor changes, on a network whose weakest layer is known."""

import torch

from model.floor_effect import floor_effect
from model.network import Spikformer
from sparsespike.contract.network import NetworkConfig

CONFIG = NetworkConfig(time_steps=1, image_size=8, dim=16, depth=1, heads=2)


def _network():
    torch.manual_seed(0)
    network = Spikformer(CONFIG)
    with torch.no_grad():
        network.patch_embed.rpe_conv.weight.mul_(1e-3)
    return network


def test_a_weak_layer_empties_without_a_floor():
    frame = floor_effect(_network(), 0.9, 0.05).set_index(["layer", "floor"])
    assert frame.loc[("rpe", 0.0), "nonzero"] == 1
    assert frame.loc[("rpe", 0.05), "nonzero"] == 116  # ceil(0.05 * 16 * 16 * 9)
    assert frame.loc[("rpe", 0.05), "weights"] == 2304


def test_both_masks_keep_as_many_weights():
    frame = floor_effect(_network(), 0.9, 0.05)
    sums = frame.groupby("floor")[["weights", "nonzero"]].sum()
    assert sums.loc[0.0, "weights"] == sums.loc[0.05, "weights"]
    assert sums.loc[0.0, "nonzero"] == sums.loc[0.05, "nonzero"]
    assert sums.loc[0.0, "nonzero"] <= 0.1 * sums.loc[0.0, "weights"]
