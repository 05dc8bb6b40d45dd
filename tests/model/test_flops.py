"""Dense work against the papers' tables and against products counted inside torch."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from model.flops import gflops, layer_macs, parameter_count
from model.network import Spikformer
from sparsespike.contract.network import NetworkConfig

PAPER = {1.0: 3.74, 0.9: 3.44, 0.8: 3.24, 0.7: 3.04, 0.6: 2.88, 0.5: 2.75}
"""Keep ratio to GFLOPs of Spikformer-4-384 on CIFAR-10 (SparseSpikformer, arXiv 2311.08806)."""


def spikformer(depth: int = 4, dim: int = 384, **changes) -> NetworkConfig:
    return NetworkConfig(
        time_steps=4, image_size=32, dim=dim, depth=depth, heads=dim // 32, **changes
    )


SPARSE = spikformer(selector_blocks=(1, 2, 3), keep_ratio=0.7)


@pytest.mark.parametrize("ratio, published", PAPER.items())
def test_the_column_of_the_paper(ratio, published):
    assert gflops(SPARSE, ratio) == pytest.approx(published, rel=0.01)


def test_no_selector_is_the_dense_network():
    assert gflops(spikformer()) == pytest.approx(3.736, abs=5e-4)
    assert gflops(spikformer(), 0.5) == gflops(spikformer())
    assert 1 - gflops(SPARSE) / gflops(spikformer()) >= 0.18


@pytest.mark.parametrize("blocks", [(0, 1, 2), (2, 3)])
def test_another_placement_misses_the_paper(blocks):
    config = spikformer(selector_blocks=blocks, keep_ratio=0.7)
    assert gflops(config) != pytest.approx(PAPER[0.7], rel=0.03)


def test_layers_by_hand():
    macs = layer_macs(SPARSE)
    assert tuple(macs) == SPARSE.layer_names()
    assert macs["conv0"] == 4 * 32 * 32 * 9 * 3 * 48
    assert macs["conv2"] == 4 * 32 * 32 * 9 * 96 * 192
    assert macs["conv3"] == 4 * 16 * 16 * 9 * 192 * 384
    assert macs["rpe"] == 4 * 8 * 8 * 9 * 384 * 384
    assert macs["block.0.qkv"] == 4 * 64 * 3 * 384 * 384
    assert macs["block.0.attn"] == 4 * 2 * 64 * 64 * 384
    assert macs["selector.1"] == 44 * (384 * 192 + 192 * 2)
    assert macs["block.2.proj"] == 4 * 31 * 384 * 384
    assert macs["block.3.fc2"] == 4 * 21 * 4 * 384 * 384
    assert macs["head"] == 384 * 10


def test_a_network_counts_as_many_products_when_it_runs():
    """torch counts 2 operations a MAC. The float network runs conv0 once, and K^T V first."""
    config = NetworkConfig(
        time_steps=3,
        image_size=16,
        dim=32,
        depth=2,
        heads=4,
        mlp_ratio=3,
        stem_pools=(True, False, False, True),
        selector_blocks=(0, 1),
        keep_ratio=0.6,
    )
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        Spikformer(config).eval()(torch.zeros(1, 3, 16, 16))
    macs = layer_macs(config)
    macs["conv0"] //= 3
    for block, tokens in enumerate((9, 5)):
        assert macs[f"block.{block}.attn"] == 3 * 2 * tokens * tokens * 32
        macs[f"block.{block}.attn"] = 3 * 2 * tokens * 8 * 32
    assert counter.get_total_flops() == 2 * sum(macs.values())


@pytest.mark.parametrize("depth, dim, millions", [(4, 384, 9.32), (2, 384, 5.76), (4, 256, 4.15)])
def test_parameters_of_the_paper(depth, dim, millions):
    """Spikformer (ICLR 2023), table of CIFAR networks."""
    assert parameter_count(spikformer(depth, dim)) / 1e6 == pytest.approx(millions, abs=0.006)


def test_selectors_add_their_parameters():
    one = 384 * 192 + 192 + 192 * 2 + 2
    assert parameter_count(SPARSE) - parameter_count(spikformer()) == 3 * one


def test_a_bad_keep_ratio_is_refused():
    with pytest.raises(ValueError, match="keep_ratio"):
        gflops(SPARSE, 0.0)
