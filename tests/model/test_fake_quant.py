"""Training with rounded weights: the same integers as quantize, and better networks at 4 bits."""

import copy

import numpy as np
import pytest
import torch

from model.data import ImageSet
from model.evaluate import evaluate_integer
from model.fake_quant import rounded_weights
from model.network import Spikformer, prunable
from model.pixels import CIFAR_PIXELS
from model.prune import magnitude_masks
from model.quantize import fold_network, quantize
from model.recalibrate import recalibrate
from model.train import TrainConfig, hold_zeros, train
from sparsespike.contract.network import NetworkConfig
from tests.model.test_quantize import PIXELS, config, trained

TINY = NetworkConfig(
    time_steps=2,
    image_size=8,
    dim=16,
    depth=1,
    heads=2,
    selector_blocks=(0,),
    keep_ratio=0.7,
    classes=2,
    stem_pools=(False, False, False, True),
    weight_bits=4,
)


def two_classes(count: int, *, seed: int, gap: int = 120) -> ImageSet:
    """Dark against bright noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    images = rng.integers(0, 256 - gap, (count, 8, 8, 3)) + gap * labels[:, None, None, None]
    return ImageSet(images.astype(np.uint8), labels)


def make(seed: int = 0) -> Spikformer:
    torch.manual_seed(seed)
    return Spikformer(TINY)


def stage(epochs: int, **changes) -> TrainConfig:
    values = {"batch": 16, "rate": 5e-3, "selection": "top", "augment": "none", **changes}
    return TrainConfig(epochs=epochs, **values)


def rounded(network: Spikformer) -> Spikformer:
    """A copy with the rounded weights."""
    other = copy.deepcopy(network)
    with rounded_weights(other, PIXELS):
        pass
    return other


def integers(network: Spikformer) -> dict[str, np.ndarray]:
    """Every rounded array of the integer network."""
    layers = quantize(network, PIXELS).layers
    arrays = {layer.name: layer.weight for layer in layers}
    return arrays | {f"{x.name}.score": x.score_weight for x in layers if x.kind == "selector"}


@pytest.mark.parametrize("bits", [4, 6, 8])
def test_rounded_weights_are_the_integers_of_quantize(bits):
    network = trained(config(bits)).double()
    expected = integers(network)
    found = integers(rounded(network))
    assert expected.keys() == found.keys()
    for name, weight in expected.items():
        assert np.array_equal(weight, found[name]), name


@pytest.mark.parametrize("bits", [4, 6, 8])
def test_nothing_is_left_to_round(bits):
    network = rounded(trained(config(bits)).double())
    folded = fold_network(network)
    for layer in quantize(network, PIXELS).layers:
        if layer.kind in ("conv", "linear"):
            weight = folded[layer.name].weight
            if layer.name == "conv0":
                weight = weight / np.array(PIXELS.std).reshape(1, -1, 1, 1)
            exact = weight / layer.scale.reshape(-1, *[1] * (weight.ndim - 1))
            assert np.abs(exact - layer.weight).max() < 1e-9


@pytest.mark.parametrize("bits", [4, 6, 8])
def test_rounding_in_float32_is_stable(bits):
    once = rounded(trained(config(bits)))
    twice = rounded(once)
    for name, weight in integers(once).items():
        assert np.array_equal(weight, integers(twice)[name]), name


def test_every_prunable_weight_is_rounded():
    network = trained(config(4))
    other = rounded(network)
    before, after = prunable(network), prunable(other)
    assert all(not torch.equal(before[name], after[name]) for name in before)
    levels = {name: len(row) for name, w in after.items() for row in [w[0].unique()]}
    del levels["patch_embed.proj_conv.weight"]  # levels per input channel, and
    del levels["predictor.0.linear.2.weight"]  # levels of a difference
    assert all(count <= 15 for count in levels.values())
    rest = dict(other.named_parameters())
    for name, parameter in network.named_parameters():
        assert name in before or torch.equal(parameter, rest[name])


def test_inside_the_network_computes_with_what_it_will_keep():
    network, images = trained(config(4)), torch.randn(4, 3, 8, 8)
    plain = network(images).logits
    names = list(network.state_dict())
    parameters = dict(network.named_parameters())
    with rounded_weights(network, PIXELS):
        inside = network(images).logits
        assert list(network.state_dict()) == names
    assert torch.equal(network(images).logits, inside)
    assert not torch.equal(plain, inside)
    assert list(network.state_dict()) == names
    assert all(parameters[name] is p for name, p in network.named_parameters())
    assert {type(m) for m in network.modules()} == {type(m) for m in make().modules()}


def test_after_an_exception_the_weights_are_unrounded():
    network = trained(config(4))
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(KeyboardInterrupt), rounded_weights(network, PIXELS):
        raise KeyboardInterrupt
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert {type(m) for m in network.modules()} == {type(m) for m in make().modules()}


def test_gradients_go_straight_through():
    torch.manual_seed(0)
    network = trained(config(4))
    other = rounded(network)
    images = torch.randn(4, 3, 8, 8)
    other(images).logits.square().sum().backward()
    with rounded_weights(network, PIXELS):
        network(images).logits.square().sum().backward()
    for (name, ours), expected in zip(network.named_parameters(), other.parameters(), strict=True):
        if expected.grad is not None:
            assert torch.equal(ours.grad, expected.grad), name


def test_zeros_stay_zero_in_training():
    network = make()
    masks = magnitude_masks(network, 0.8)
    hold_zeros(network, masks)
    with rounded_weights(network, CIFAR_PIXELS):
        train(network, two_classes(32, seed=0), CIFAR_PIXELS, stage(1), masks=masks)
    for name, parameter in prunable(network).items():
        assert not parameter[~masks[name]].any()
        assert parameter.any()


def test_an_empty_channel_and_an_empty_tensor_stay_empty():
    network = make()
    network.patch_embed.proj_conv1.weight.data[3] = 0
    network.predictor[0].linear[2].weight.data.zero_()
    other = rounded(network)
    assert not other.patch_embed.proj_conv1.weight[3].any()
    assert not other.predictor[0].linear[2].weight.any()
    assert all(bool(parameter.isfinite().all()) for parameter in other.parameters())


@pytest.mark.parametrize("part, shape", [("patch_embed.proj_conv", (3, 8, 8)), ("head", (16,))])
def test_it_compiles_as_one_graph(part, shape):
    torch.manual_seed(0)
    network, x = trained(config(4)), torch.randn(2, *shape)
    module = network.get_submodule(part)
    compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
    plain = module(x)
    with rounded_weights(network, PIXELS):
        expected, found = module(x), compiled(x)
        found.sum().backward()
    torch.testing.assert_close(found, expected)
    assert not torch.equal(found, plain)
    assert module.weight.grad.any()


def test_a_stage_resumes_inside(tmp_path):
    data, settings = two_classes(32, seed=0), stage(2)

    class StopError(Exception):
        pass

    def stop(result: object) -> None:
        if result.epoch == 1:
            raise StopError

    def run(network: Spikformer, name: str, report=None) -> None:
        with rounded_weights(network, CIFAR_PIXELS):
            train(network, data, CIFAR_PIXELS, settings, checkpoint=tmp_path / name, report=report)

    whole, stopped, resumed = make(), make(), make()
    run(whole, "a.pt")
    with pytest.raises(StopError):
        run(stopped, "b.pt", stop)
    run(resumed, "b.pt")
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], tensor)


def test_training_with_four_bits_reduces_the_loss():
    network = make()
    with rounded_weights(network, CIFAR_PIXELS):
        results = train(network, two_classes(64, seed=0), CIFAR_PIXELS, stage(6))
    assert results[-1].loss < results[0].loss - 0.05
    assert results[-1].accuracy > 0.9


def test_four_bits_after_tuning_are_no_worse_than_plain_rounding():
    """One large weight in every channel makes the steps coarse: plain rounding loses the rest."""
    network = make(seed=4)
    with torch.no_grad():
        for weight in prunable(network).values():
            weight.flatten(1)[:, 0] *= 30
        network.head.bias.zero_()
    data, unseen = two_classes(128, seed=0, gap=80), two_classes(200, seed=1, gap=80)

    def accuracy() -> float:
        recalibrate(network, data, CIFAR_PIXELS, batch=32)
        return evaluate_integer(quantize(network, CIFAR_PIXELS), unseen).accuracy

    train(network, data, CIFAR_PIXELS, stage(8, batch=32, seed=4))
    plain = accuracy()
    with rounded_weights(network, CIFAR_PIXELS):
        train(network, data, CIFAR_PIXELS, stage(4, batch=32, seed=4, rate=3e-3))
    assert accuracy() >= max(plain, 0.9)
