"""The float network: official names, shapes, and what the selector does."""

import pytest
import torch

from model.attention import SpikingAttention
from model.network import Spikformer, prunable
from model.selector import gather_tokens, top_tokens
from sparsespike.contract.network import NetworkConfig

CONFIG = NetworkConfig(
    time_steps=2,
    image_size=8,
    dim=16,
    depth=2,
    heads=4,
    selector_blocks=(0, 1),
    keep_ratio=0.7,
    stem_pools=(False, False, False, True),
)


def official_names() -> set[str]:
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    names = {f"patch_embed.proj_conv{i}.weight" for i in ("", 1, 2, 3)} | {
        "patch_embed.rpe_conv.weight",
        "head.weight",
        "head.bias",
    }
    norms = [f"patch_embed.proj_bn{i}" for i in ("", 1, 2, 3)] + ["patch_embed.rpe_bn"]
    for block in ("block.0", "block.1"):
        for part in ("attn.q", "attn.k", "attn.v", "attn.proj", "mlp.fc1", "mlp.fc2"):
            names |= {f"{block}.{part}_linear.{kind}" for kind in ("weight", "bias")}
            norms.append(f"{block}.{part}_bn")
    names |= {
        f"predictor.{k}.linear.{i}.{kind}"
        for k in (0, 1)
        for i in (0, 2)
        for kind in ("weight", "bias")
    }
    return names | {f"{n}.{kind}" for n in norms for kind in norm}


def test_tensor_names_are_the_official_ones():
    assert set(Spikformer(CONFIG).state_dict()) == official_names()


def test_size_of_spikformer_4_384():
    network = Spikformer(NetworkConfig(time_steps=4, image_size=32, dim=384, depth=4, heads=12))
    assert sum(p.numel() for p in network.parameters()) == 9_324_730  # 9.32 M in the paper


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"time_steps": 1},
        {"depth": 1, "selector_blocks": ()},
        {"image_size": 7},
        {"dim": 12},
        {"mlp_ratio": 2},
        {"stem_pools": (True, True, True, True)},
        {"keep_ratio": 0.1},
    ],
)
def test_shapes(change):
    config = NetworkConfig(**{**CONFIG.model_dump(exclude={"stem_channels"}), **change})
    images = torch.randn(3, 3, config.image_size, config.image_size)
    for selection in ("all", "sample", "top"):
        logits, fractions = Spikformer(config)(images, selection)
        assert logits.shape == (3, 10)
        count = 0 if selection == "all" else len(config.selector_blocks)
        assert fractions.shape == (count,)
    kept = [config.selector_keep(k) / config.tokens() for k in range(len(config.selector_blocks))]
    assert fractions.tolist() == pytest.approx(kept)


def test_masked_attention_equals_dropped_tokens():
    """What training computes by a mask is what inference computes without the tokens."""
    torch.manual_seed(0)
    attention = SpikingAttention(16, 4, 0.5).eval()
    x = torch.randint(0, 4, (3, 2, 9, 16)).float()
    positions = torch.tensor([[0, 2, 3, 8], [1, 4, 5, 6]])
    keep = torch.zeros(2, 9).scatter(1, positions, 1)
    for part in ("q", "k", "v", "proj"):
        attention.get_submodule(f"{part}_bn").weight.data.fill_(6)
    masked = gather_tokens(attention(x, keep), positions)
    dropped = attention(gather_tokens(x, positions))
    assert torch.equal(masked, dropped)
    assert 0.02 < float(dropped.detach().mean()) < 0.98
    assert not torch.equal(gather_tokens(attention(x), positions), dropped)


def test_top_tokens_prefer_the_lower_position():
    score = torch.tensor([[0.0, 2.0, 2.0, 2.0, 1.0]])
    pair = torch.stack([score, torch.zeros_like(score)], -1)
    assert top_tokens(pair, 2).tolist() == [[1, 2]]
    assert top_tokens(pair, 4).tolist() == [[1, 2, 3, 4]]


def test_gradients_reach_every_parameter():
    torch.manual_seed(0)
    network = Spikformer(CONFIG)
    output = network(torch.randn(4, 3, 8, 8), "sample")
    (output.logits.square().mean() + output.keep_fractions.sum()).backward()
    assert [n for n, p in network.named_parameters() if p.grad is None] == []


def test_prunable_are_the_tensors_of_two_or_more_dimensions():
    names = prunable(Spikformer(CONFIG))
    assert len(names) == 5 + 2 * 6 + 2 * 2 + 1
    assert all(name.endswith("weight") and "bn" not in name for name in names)
