"""Official checkpoints: what is inferred, skipped, merged and refused."""

import pytest
import torch

from model.network import Spikformer
from model.official import import_official
from model.quantize import quantize
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import NetworkConfig

CONFIG = NetworkConfig(
    time_steps=4,
    image_size=32,
    dim=16,
    depth=4,
    heads=2,
    mlp_ratio=2,
    classes=7,
    selector_blocks=(1, 2, 3),
    keep_ratio=0.9,
)


def official_state(config: NetworkConfig = CONFIG) -> dict[str, torch.Tensor]:
    """A state dict as the authors' training scripts save it."""
    torch.manual_seed(0)
    network = Spikformer(config)
    for module in network.modules():
        if hasattr(module, "running_mean"):
            torch.nn.init.normal_(module.running_mean)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    state = network.state_dict()
    for block in range(config.depth):
        for norm in ("norm1", "norm2"):
            state[f"block.{block}.{norm}.weight"] = torch.ones(config.dim)
            state[f"block.{block}.{norm}.bias"] = torch.zeros(config.dim)
    return state


def imagenet_state() -> dict[str, torch.Tensor]:
    """Blocks as 1x1 convolutions, no bias in Q, K and V, no predictors."""
    state = {}
    for name, tensor in official_state(CONFIG.model_copy(update={"selector_blocks": ()})).items():
        if any(f".{part}_linear.bias" in name for part in "qkv"):
            continue
        if name.startswith("block.") and "_linear." in name:
            extra = (1, 1) if ".mlp." in name else (1,)
            tensor = tensor.reshape(*tensor.shape, *extra) if tensor.ndim == 2 else tensor
            name = name.replace("_linear.", "_conv.")
        state[name] = tensor
    return state


def test_a_sparsespikformer_file_becomes_ours(tmp_path):
    state = official_state()
    saved = {"epoch": 3, "state_dict": {f"module.{n}": t for n, t in state.items()}}
    torch.save(saved, tmp_path / "best.pth.tar")
    result = import_official(tmp_path / "best.pth.tar", heads=2, keep_ratio=0.9)
    network = result.checkpoint.network
    assert network.config == CONFIG
    assert {"block.0.norm1.weight", "block.3.norm2.bias"} <= set(result.skipped)
    for name, tensor in network.state_dict().items():
        if "proj_bn.running_mean" not in name:
            assert torch.equal(tensor, state[name])
    quantize(network, result.checkpoint.pixels)


def test_rounded_means_change_nothing_inside_the_image(tmp_path):
    state = official_state()
    torch.save(state, tmp_path / "n.pth")
    checkpoint = import_official(tmp_path / "n.pth", heads=2).checkpoint
    assert checkpoint.pixels.mean == (125, 123, 114)
    raw = torch.randint(0, 256, (2, 9, 9, 3), dtype=torch.uint8)
    mean, std = torch.tensor([0.4914, 0.4822, 0.4465]), torch.tensor([0.2470, 0.2435, 0.2616])
    theirs = Spikformer(CONFIG)
    theirs.load_state_dict(official_state(), strict=False)
    with torch.no_grad():
        stem = checkpoint.network.patch_embed
        ours = stem.norm(0)(stem.conv(0)(checkpoint.pixels.normalize(raw)))
        stem = theirs.eval().patch_embed
        images = ((raw / 255 - mean) / std).permute(0, 3, 1, 2)
        expected = stem.norm(0)(stem.conv(0)(images))
    inner = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    torch.testing.assert_close(ours[inner], expected[inner], rtol=1e-4, atol=1e-5)


def test_an_imagenet_file_becomes_ours(tmp_path):
    state = imagenet_state()
    torch.save(state, tmp_path / "n.pth")
    network = import_official(tmp_path / "n.pth", heads=2).checkpoint.network
    assert network.config.stem_pools == (True, True, True, True)
    assert network.config.image_size == 224
    assert network.config.tokens() == 196
    assert network.config.selector_blocks == ()
    weight = network.block[1].mlp.fc1_linear.weight
    assert torch.equal(weight, state["block.1.mlp.fc1_conv.weight"][:, :, 0, 0])
    assert not network.block[0].attn.q_linear.bias.any()


def test_pruning_masks_are_applied(tmp_path):
    state = official_state()
    weight = state.pop("block.0.attn.q_linear.weight")
    mask = (torch.rand_like(weight) < 0.1).float()
    state.update(
        {"block.0.attn.q_linear.weight_orig": weight, "block.0.attn.q_linear.weight_mask": mask}
    )
    torch.save(state, tmp_path / "n.pth")
    network = import_official(tmp_path / "n.pth", heads=2).checkpoint.network
    assert torch.equal(network.block[0].attn.q_linear.weight, weight * mask)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda s: s.pop("block.2.attn.k_bn.weight"), r"block\.2\.attn\.k_bn\.weight is missing"),
        (lambda s: s.update(extra=torch.ones(1)), "tensor extra is unknown"),
        (lambda s: s.pop("head.weight"), "no Spikformer"),
        (
            lambda s: s.update({"patch_embed.proj_conv.weight": torch.zeros(2, 2, 3, 3)}),
            "on 2 channels; only RGB",
        ),
    ],
)
def test_files_that_would_compute_something_else_are_refused(tmp_path, change, message):
    state = official_state()
    change(state)
    torch.save(state, tmp_path / "n.pth")
    with pytest.raises(ContractError, match=message):
        import_official(tmp_path / "n.pth", heads=2)


def test_heads_that_do_not_divide_the_width_are_refused(tmp_path):
    torch.save(official_state(), tmp_path / "n.pth")
    with pytest.raises(ContractError, match="heads must divide dim, but dim=16, heads=3") as caught:
        import_official(tmp_path / "n.pth", heads=3)
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text.pth").write_text("no tensors")
    torch.save({"epoch": 3}, tmp_path / "number.pth")
    for name, message in (
        ("text.pth", "not a checkpoint"),
        ("number.pth", "holds no state_dict"),
        ("absent.pth", "no such checkpoint"),
    ):
        with pytest.raises(ContractError, match=message):
            import_official(tmp_path / name, heads=2)
