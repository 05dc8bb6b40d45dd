"""Batch-norm folding, integer rounding and the refusals of the quantiser."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from model.integer import golden_forward
from model.network import Spikformer
from model.pixels import PixelScale
from model.quantize import Folded, fold_network, quantize, spiking_layer
from model.random_network import random_images
from sparsespike.contract import numeric
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import NetworkConfig

PIXELS = PixelScale(mean=(125, 123, 114), std=(63.0, 62.1, 66.7))


def config(bits: int = 8, steps: int = 4) -> NetworkConfig:
    return NetworkConfig(
        time_steps=steps,
        image_size=8,
        dim=16,
        depth=1,
        heads=2,
        weight_bits=bits,
        selector_blocks=(0,),
        keep_ratio=0.7,
        stem_pools=(False, False, False, True),
    )


def trained(shape: NetworkConfig, seed: int = 0) -> Spikformer:
    """A network with the batch-norm statistics of some images, in evaluation mode."""
    torch.manual_seed(seed)
    network = Spikformer(shape)
    for module in network.modules():
        if hasattr(module, "running_var"):
            module.momentum = 1.0
            torch.nn.init.uniform_(module.weight, 0.5, 2)
            torch.nn.init.normal_(module.bias, 0.5, 0.5)
    for predictor in network.predictor:
        for parameter in predictor.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    with torch.no_grad():
        network(PIXELS.normalize(torch.from_numpy(random_images(shape, 64, seed=seed))))
    return network.eval()


def norm_of(network: Spikformer, name: str) -> tuple[torch.nn.Module, torch.nn.Module]:
    stem, block = network.patch_embed, network.block[0]
    return {
        "conv0": (stem.proj_conv, stem.proj_bn),
        "conv3": (stem.proj_conv3, stem.proj_bn3),
        "rpe": (stem.rpe_conv, stem.rpe_bn),
        "block.0.proj": (block.attn.proj_linear, block.attn.proj_bn),
        "block.0.fc1": (block.mlp.fc1_linear, block.mlp.fc1_bn),
    }[name]


@pytest.mark.parametrize("name", ["conv0", "conv3", "rpe", "block.0.proj", "block.0.fc1"])
def test_folding_equals_batch_norm_in_evaluation_mode(name):
    network = trained(config()).double()
    layer, norm = norm_of(network, name)
    weight, bias = (torch.from_numpy(a) for a in fold_network(network)[name])
    with torch.no_grad():
        if weight.ndim == 4:
            x = torch.rand(2, weight.shape[1], 5, 5, dtype=torch.float64)
            expected = norm(layer(x))
            folded = torch.nn.functional.conv2d(x, weight, bias, padding=1)
        else:
            x = torch.rand(7, weight.shape[1], dtype=torch.float64)
            expected, folded = norm(layer(x)), x @ weight.T + bias
    torch.testing.assert_close(folded, expected, rtol=1e-10, atol=1e-10)


def test_q_k_and_v_stand_one_after_the_other():
    network = trained(config())
    integer = quantize(network, PIXELS).layer("block.0.qkv")
    for index, part in enumerate("qkv"):
        weight = network.block[0].attn.get_submodule(f"{part}_linear").weight.detach().double()
        rows = slice(16 * index, 16 * index + 16)
        gain = network.block[0].attn.get_submodule(f"{part}_bn")
        gain = (gain.weight / (gain.running_var + gain.eps).sqrt()).detach().double()
        exact = (weight * gain[:, None]).numpy() / integer.scale[rows, None]
        assert np.abs(exact - integer.weight[rows]).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("bits", [4, 6, 8])
def test_weights_biases_and_thresholds(bits):
    network = quantize(trained(config(bits)), PIXELS)
    limit = 2 ** (bits - 1) - 1
    for layer in network.layers:
        if layer.kind in ("conv", "linear"):
            assert np.abs(layer.weight).max() == limit
            assert np.abs(layer.bias).max() < numeric.BIAS_LIMIT
            for scale, threshold in zip(layer.scale, layer.threshold, strict=True):
                exact = Fraction(2**4) / Fraction(float(scale))
                assert int(threshold) - 1 < exact <= int(threshold)
        elif layer.kind == "attention":
            assert layer.threshold.tolist() == [64]


def test_a_channel_without_weights_takes_its_scale_from_its_bias():
    weight = np.zeros((3, 4))
    weight[2] = [1, -2, 0, 127]
    layer = spiking_layer("block.0.fc1", Folded(weight, np.array([-0.7, 0.0, 3.0])), config())
    assert layer.bias.tolist() == [-127, 0, 3]
    assert layer.scale[0] == pytest.approx(0.7 / 127)
    assert layer.weight.tolist() == [[0] * 4, [0] * 4, [1, -2, 0, 127]]


def test_a_large_bias_enlarges_the_scale():
    weight = np.full((1, 4), 1e-9)
    layer = spiking_layer("block.0.fc1", Folded(weight, np.array([-5.0])), config())
    assert layer.bias[0] == -(numeric.BIAS_LIMIT - 1)
    assert layer.scale[0] * layer.bias[0] == pytest.approx(-5.0)
    assert layer.weight.max() == 0


def test_a_border_of_mean_pixels_adds_nothing():
    """An image of mean pixels gives every position of conv0 the same current: the folded bias."""
    network = trained(config())
    layer = quantize(network, PIXELS).layer("conv0")
    mean = np.array(PIXELS.mean).reshape(1, 3, 1, 1)
    currents = (layer.weight.astype(np.int64) * mean).sum((1, 2, 3)) + layer.bias
    np.testing.assert_allclose(
        currents * layer.scale, fold_network(network)["conv0"].bias, atol=layer.scale.max()
    )


@pytest.mark.parametrize("steps", [1, 4])
def test_the_integer_network_follows_the_float_network(steps):
    """Most spikes agree, though every layer sees the few that differ; so do the scores."""
    shape = config(steps=steps)
    network = trained(shape)
    images = random_images(shape, 32, seed=0)
    integer = quantize(network, PIXELS)
    trace = golden_forward(integer, images)
    with torch.no_grad():
        x = network.patch_embed(PIXELS.normalize(torch.from_numpy(images)))
        given = torch.from_numpy(trace.layers["rpe"]).transpose(0, 1).float()
        scores = network.predictor[0](given)
    same = trace.layers["rpe"] == x.transpose(0, 1).numpy()
    assert same.mean() > 0.85
    difference = (scores[..., 0] - scores[..., 1]).numpy()
    correlation = np.corrcoef(difference.ravel(), trace.layers["selector.0"].ravel())[0, 1]
    assert correlation > 0.99


def test_head_scale_and_bias():
    network = trained(config())
    integer = quantize(network, PIXELS)
    images = random_images(network.config, 4, seed=1)
    trace = golden_forward(integer, images)
    head, count = integer.layer("head"), 4 * 11
    assert len(set(head.scale)) == 1
    mean = trace.layers["block.0.fc2"].mean((1, 2))
    wanted = mean @ network.head.weight.detach().numpy().T + network.head.bias.detach().numpy()
    np.testing.assert_allclose(trace.logits * head.scale / count, wanted, atol=0.03)


def test_a_tensor_that_is_not_finite_is_refused_by_name():
    network = trained(config())
    network.block[0].mlp.fc1_linear.weight.data[0, 0] = torch.nan
    with pytest.raises(ContractError, match=r"tensor block\.0\.mlp\.fc1_linear\.weight: holds NaN"):
        quantize(network, PIXELS)


@pytest.mark.parametrize(
    "mean, std, message",
    [
        ((125, 123), (1.0, 1.0, 1.0), "mean has 2 channels"),
        ((256,), (1.0,), "integers in 0..255"),
        ((3,), (0.0,), "std must be positive"),
    ],
)
def test_bad_pixel_scales_are_refused(mean, std, message):
    with pytest.raises(ValueError, match=message):
        PixelScale(mean, std)
