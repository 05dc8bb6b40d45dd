"""Official checkpoints that would compute something else, and options that do not fit them."""

import pytest
import torch

from sparsespike.contract.errors import ContractError
from tests.model.official_files import official_state, read, save


def rename(old, new):
    return lambda state: state.update({new: state.pop(old)})


def prune(name, **pair):
    def change(state):
        state.update({f"{name}_{part}": tensor for part, tensor in pair.items()})
        del state[name]

    return change


BLOCK = "block.2.attn.k_bn.weight"
BAD = [
    ("CIFAR", lambda s: s.pop(BLOCK), rf"{BLOCK} is missing \(nearest: block\..*_bn\.weight\)"),
    ("CIFAR", rename(BLOCK, "block.2.attn.k_bm.weight"), r"nearest: block\.2\.attn\.k_bm\.weight"),
    ("CIFAR", rename("head.weight", "haed.weight"), r"head\.weight is missing \(nearest: haed"),
    ("CIFAR", lambda s: s.update(extra=torch.ones(1)), "tensor extra is unknown; remove"),
    (
        "CIFAR",
        lambda s: s.update({"block.1.attn.q_lineer.bias": torch.ones(1)}),
        r"q_lineer\.bias is unknown \(nearest: block\.1\.attn\.q_linear\.bias\)",
    ),
    (
        "DVS",
        rename("block.1.attn.q_conv.weight", "block.1.attn.q_cnov.weight"),
        r"q_conv\.weight is missing \(nearest: block\.1\.attn\.q_cnov\.weight\)",
    ),
    (
        "DVS",
        lambda s: s.update({"block.1.attn.q_linear.weight": torch.ones(16, 16)}),
        r"block\.1\.attn\.q_linear\.weight is unknown",
    ),
    (
        "DVS",
        rename("block.0.mlp.fc1_conv.weight", "block.0.mlp.fc_conv.weight"),
        r"fc1_conv\.weight is missing \(nearest: block\.0\.mlp\.fc_conv\.weight\)",
    ),
    ("CIFAR", rename("block.3.norm1.weight", "block.3.norm3.weight"), r"norm3\.weight is unknown"),
    ("CIFAR", lambda s: s.update({"head.bias": torch.ones(9)}), r"shape \(9,\).*needs \(7,\)"),
    ("CIFAR", lambda s: s["head.bias"].fill_(float("nan")), r"head\.bias holds NaN or infinity"),
    (
        "CIFAR",
        lambda s: s.update({"patch_embed.proj_conv.weight": torch.zeros(2, 2, 3, 3)}),
        "takes 2 channels.*CIFAR nets, which take 3; only RGB",
    ),
    (
        "DVS",
        lambda s: s.update({"patch_embed.proj_conv.weight": torch.zeros(2, 3, 3, 3)}),
        "takes 3 channels.*DVS nets, which take 2",
    ),
    (
        "CIFAR",
        lambda s: s.update({"patch_embed.proj_conv2.weight": torch.zeros(3)}),
        r"proj_conv2\.weight has shape \(3,\), expected 4 dimensions",
    ),
    (
        "DVS",
        lambda s: s.update({"block.0.mlp.fc1_conv.weight": torch.zeros(32, 16)}),
        r"fc1_conv\.weight has 2 dimensions",
    ),
    ("CIFAR", lambda s: s.pop("patch_embed.proj_conv3.weight"), r"proj_conv3\.weight is missing"),
    (
        "CIFAR",
        lambda s: [s.pop(name) for name in list(s) if name.startswith(("patch", "block", "head"))],
        "holds no state_dict",
    ),
    (
        "CIFAR",
        lambda s: [s.pop(n) for n in list(s) if n.startswith("block.1.")],
        r"block\.2\..* is unknown",
    ),
    (
        "CIFAR",
        lambda s: s.update({"module.head.bias": torch.ones(7)}),
        r"head\.bias is there twice",
    ),
    (
        "CIFAR",
        prune("head.weight", orig=torch.ones(7, 16)),
        r"head\.weight_mask is missing beside head\.weight_orig",
    ),
    ("CIFAR", prune("head.weight", mask=torch.ones(7, 16)), r"head\.weight is missing"),
    (
        "CIFAR",
        prune("head.weight", orig=torch.ones(7, 16), mask=torch.ones(7, 9)),
        r"weight_mask has shape \(7, 9\), not the \(7, 16\)",
    ),
]


@pytest.mark.parametrize(("kind", "change", "message"), BAD)
def test_files_that_would_compute_something_else_are_refused(tmp_path, kind, change, message):
    state = official_state(kind)
    change(state)
    with pytest.raises(ContractError, match=message) as caught:
        read(save(state, tmp_path), kind)
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "n.pth") in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("CIFAR", {"heads": 3}, "heads must divide dim, but dim=16, heads=3"),
        ("CIFAR", {"heads": 0}, "heads: .* greater than or equal to 1, not 0"),
        ("CIFAR", {"heads": None}, "give it with --heads .*CIFAR nets have 12 for D = 384"),
        ("DVS", {"heads": None}, "DVS nets have 16"),
        ("CIFAR", {"keep_ratio": 1.5}, "keep_ratio: .* less than or equal to 1"),
        ("CIFAR", {"keep_ratio": float("nan")}, "keep_ratio"),
        ("CIFAR", {"selector_blocks": (1, 2)}, "names 2 blocks, but the file has 3 predictors"),
        ("CIFAR", {"selector_blocks": (1, 2, 4)}, r"selector_blocks must ascend within 0\.\.3"),
        ("CIFAR", {"time_steps": 99}, "time_steps"),
        ("CIFAR", {"image_size": 0}, "image_size"),
        ("CIFAR", {"weight_bits": 5}, "weight_bits"),
        ("DVS", {"normalization": "cifar10"}, "normalization cifar10 is for images"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, kind, options, message):
    path = save(official_state(kind, predictors=3), tmp_path)
    with pytest.raises(ContractError, match=message) as caught:
        read(path, kind, **options)
    assert "\n" not in str(caught.value)


def test_a_keep_ratio_needs_a_selector(tmp_path):
    path = save(official_state("CIFAR"), tmp_path)
    assert read(path, keep_ratio=1.0).checkpoint.network.config.keep_ratio == 1
    with pytest.raises(ContractError, match=r"--keep-ratio 0\.7 needs a token selector"):
        read(path, keep_ratio=0.7)
