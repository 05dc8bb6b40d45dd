"""Official checkpoints: what is inferred, skipped, merged and refused; logits against a twin."""

import pytest
import torch

import model
from model.network import Spikformer
from model.pixels import CIFAR_PIXELS
from model.quantize import quantize
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerNetwork, NetworkConfig
from tests.model import official_twin
from tests.model.official_files import HEADS, SIZES, official_state, read, save

CONFIGS = {
    "CIFAR": {"time_steps": 4, "image_size": 32, "in_channels": 3, "attention_scale": 0.125},
    "DVS": {"time_steps": 16, "image_size": 16, "in_channels": 2, "attention_scale": 0.25},
    "ImageNet": {"time_steps": 4, "image_size": 224, "in_channels": 3, "attention_scale": 0.125},
}
QUERY = {
    "CIFAR": "block.2.attn.q_linear.weight",
    "DVS": "block.2.attn.q_conv.weight",
    "ImageNet": "block.2.attn.q_conv.weight",
}


def expected_config(kind, **change):
    pools = {} if kind == "CIFAR" else {"stem_pools": (True,) * 4}
    return NetworkConfig(
        **CONFIGS[kind],
        **pools,
        dim=16,
        depth=4,
        heads=HEADS[kind],
        mlp_ratio=2,
        classes=7,
        varying_input=kind == "DVS",
        **change,
    )


@pytest.mark.parametrize("kind", CONFIGS)
def test_every_dialect_becomes_ours(tmp_path, kind):
    state = official_state(kind, predictors=3)
    result = read(save(state, tmp_path), kind, keep_ratio=0.9)
    network = result.checkpoint.network
    assert result.dialect.name == kind
    assert network.config == expected_config(kind, selector_blocks=(1, 2, 3), keep_ratio=0.9)
    assert not network.training
    for name, tensor in network.state_dict().items():
        theirs = result.dialect.spell(name)
        if theirs in state and name != "patch_embed.proj_bn.running_mean":
            assert torch.equal(tensor, state[theirs].reshape(tensor.shape)) or "tracked" in name
    query = network.block[2].attn.q_linear
    assert query.weight.shape == (16, 16)
    assert bool(query.bias.any()) == (kind == "CIFAR")


@pytest.mark.parametrize("kind", CONFIGS)
def test_tensors_without_a_use_are_skipped_by_name(tmp_path, kind):
    state = official_state(kind)
    skipped = set(read(save(state, tmp_path), kind).skipped)
    assert {"block.0.norm1.weight", "block.3.norm2.bias"} <= skipped
    assert "patch_embed.proj_bn.num_batches_tracked" in skipped
    assert ({"pos_embed", "norm.weight", "norm.bias"} <= skipped) == (kind == "DVS")
    assert skipped < set(state)


def theirs(kind, state, images, keep=()):
    """The twin's logits in float64."""
    pools = 2 if kind == "CIFAR" else 4
    scale = CONFIGS[kind]["attention_scale"]
    exact = {name: tensor.double() for name, tensor in state.items()}
    return official_twin.run(exact, images, heads=HEADS[kind], pools=pools, scale=scale, keep=keep)


def frames(kind, count=5):
    """Frames (T, B, C, H, W) that repeat unless the kind takes events."""
    random = torch.Generator().manual_seed(3)
    size, steps = SIZES[kind], CONFIGS[kind]["time_steps"]
    if kind == "DVS":
        return torch.poisson(torch.full((steps, count, 2, size, size), 0.7), random).double()
    still = torch.randn(1, count, 3, size, size, generator=random, dtype=torch.float64)
    return still.expand(steps, -1, -1, -1, -1)


@pytest.mark.parametrize("kind", CONFIGS)
def test_logits_are_those_of_the_official_network(tmp_path, kind):
    state = official_state(kind)
    network = model.load_checkpoint(
        save(state, tmp_path), heads=HEADS[kind], image_size=SIZES[kind]
    )
    images = frames(kind)
    expected = theirs(kind, state, images)
    with torch.no_grad():
        logits = network.double()(images if kind == "DVS" else images[0])
    assert not network.training
    assert float(expected.std(0).min()) > 1e-3
    torch.testing.assert_close(logits, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("kind", "keep"), [("CIFAR", (11, 7, 5)), ("DVS", (2, 1, 1))])
def test_dropped_tokens_are_those_of_the_official_network(tmp_path, kind, keep):
    """keep: int(N0 * 0.7 ** k) of 16 tokens, and of the 4 of event frames of 32 pixels."""
    state = official_state(kind, predictors=3)
    size = 16 if kind == "CIFAR" else 32
    network = model.load_checkpoint(
        save(state, tmp_path), heads=HEADS[kind], keep_ratio=0.7, image_size=size
    )
    images = frames(kind)
    if kind == "DVS":
        images = images.repeat_interleave(2, -1).repeat_interleave(2, -2)
        images = images * (torch.arange(size).double() + 1) / size
    with torch.no_grad():
        logits = network.double()(images if kind == "DVS" else images[0])
    torch.testing.assert_close(logits, theirs(kind, state, images, keep), rtol=1e-9, atol=1e-9)
    everything = tuple(network.config.tokens() for _ in keep)
    assert not torch.allclose(logits, theirs(kind, state, images, everything), atol=1e-3)


def test_event_frames_that_differ_are_told_apart(tmp_path):
    path = save(official_state("DVS"), tmp_path)
    network = model.load_checkpoint(path, heads=4)
    images = frames("DVS").float()
    with torch.no_grad():
        assert not torch.equal(network(images), network(images.flip(0)))
    with pytest.raises(ContractError, match=r"expected \(16, B, 2, 16, 16\)"):
        network(images[0])


def test_rounded_means_change_nothing_inside_the_image(tmp_path):
    state = official_state("CIFAR")
    checkpoint = read(save(state, tmp_path)).checkpoint
    assert checkpoint.pixels.mean == (125, 123, 114)
    raw = torch.randint(0, 256, (2, 9, 9, 3), dtype=torch.uint8)
    mean, std = torch.tensor([0.4914, 0.4822, 0.4465]), torch.tensor([0.2470, 0.2435, 0.2616])
    theirs = Spikformer(expected_config("CIFAR"))
    theirs.load_state_dict(state, strict=False)
    with torch.no_grad():
        stem = checkpoint.network.patch_embed
        ours = stem.norm(0)(stem.conv(0)(checkpoint.pixels.normalize(raw)))
        stem = theirs.eval().patch_embed
        images = ((raw / 255 - mean) / std).permute(0, 3, 1, 2)
        expected = stem.norm(0)(stem.conv(0)(images))
    inner = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    torch.testing.assert_close(ours[inner], expected[inner], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "change", "options", "mean"),
    [
        ("CIFAR", {}, {}, (125, 123, 114)),
        ("CIFAR", {"classes": 100}, {}, (129, 124, 112)),
        ("CIFAR", {"classes": 100}, {"normalization": "cifar10"}, (125, 123, 114)),
        ("ImageNet", {}, {}, (124, 116, 104)),
        ("DVS", {}, {}, (0, 0)),
    ],
)
def test_pixels_are_scaled_as_the_authors_scale_them(tmp_path, kind, change, options, mean):
    path = save(official_state(kind, **change), tmp_path)
    assert read(path, kind, **options).checkpoint.pixels.mean == mean


@pytest.mark.parametrize("kind", CONFIGS)
def test_pruning_masks_are_applied(tmp_path, kind):
    state, name = official_state(kind), QUERY[kind]
    weight = state.pop(name)
    mask = (torch.rand_like(weight) < 0.1).float()
    state.update({f"{name}_orig": weight, f"{name}_mask": mask})
    network = read(save(state, tmp_path), kind).checkpoint.network
    assert torch.equal(network.block[2].attn.q_linear.weight, (weight * mask).flatten(1))


@pytest.mark.parametrize(
    ("kind", "size"), [("DVS", 16), ("DVS", 128), ("DVS", 48), ("CIFAR", 32), ("ImageNet", 224)]
)
def test_position_embeddings_tell_the_size_of_event_frames(tmp_path, kind, size):
    state = official_state(kind)
    if kind == "DVS":
        state["pos_embed"] = torch.zeros(1, (size // 16) ** 2, 16)
    path = save(state, tmp_path)
    assert read(path, kind).checkpoint.network.config.image_size == size
    assert read(path, kind, image_size=64).checkpoint.network.config.image_size == 64


@pytest.mark.parametrize("kind", ["CIFAR", "ImageNet"])
def test_what_was_imported_can_be_quantised(tmp_path, kind):
    checkpoint = read(save(official_state(kind), tmp_path), kind).checkpoint
    assert quantize(checkpoint.network, checkpoint.pixels).config == checkpoint.network.config


def test_event_frames_stay_in_float(tmp_path):
    checkpoint = read(save(official_state("DVS"), tmp_path), "DVS").checkpoint
    with pytest.raises(ContractError, match=r"event frames.*still images"):
        quantize(checkpoint.network, checkpoint.pixels)
    config = expected_config("CIFAR")
    network = quantize(Spikformer(config).eval(), CIFAR_PIXELS)
    varying = config.model_copy(update={"varying_input": True})
    with pytest.raises(ContractError, match="event frames"):
        IntegerNetwork(varying, network.pixel_pad, network.layers)
