"""From the float network to the integer network: batch norm folded, weights of 4, 6 or 8 bits.

Symmetric scale per output channel; biases and thresholds are exact integers at that scale.
"""

from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from model.attention import ATTENTION_THRESHOLD
from model.linear import linear_of, norm_of
from model.network import Spikformer
from model.pixels import PixelScale
from sparsespike.contract import numeric
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerLayer, IntegerNetwork, NetworkConfig

Floats = NDArray[np.float64]
_THRESHOLD_BITS = 40
"""Scales are kept large enough for thresholds below 2**40; smaller weights cannot matter."""


class Folded(NamedTuple):
    """A layer with its batch norm folded in: float64 weight (out, ...) and bias (out,)."""

    weight: Floats
    bias: Floats


def fold_norm(weight: Tensor, bias: Tensor | None, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> Folded:
    """The weight and bias of norm(layer(x)) in evaluation mode, as one layer."""
    mean, variance = (_array(cast(Tensor, x)) for x in (norm.running_mean, norm.running_var))
    gain = _array(norm.weight) / np.sqrt(variance + norm.eps)
    folded = _array(weight) * gain.reshape(-1, *[1] * (weight.ndim - 1))
    start = np.zeros(len(gain)) if bias is None else _array(bias)
    return Folded(folded, (start - mean) * gain + _array(norm.bias))


def fold_network(network: Spikformer) -> dict[str, Folded]:
    """Every conv and linear layer of the network, folded, by its integer layer's name."""
    stem = network.patch_embed
    folded = {
        f"conv{index}": fold_norm(stem.conv(index).weight, None, stem.norm(index))
        for index in range(4)
    }
    folded["rpe"] = fold_norm(stem.rpe_conv.weight, None, stem.rpe_bn)
    for index, block in enumerate(network.blocks()):
        parts = {p: _fold(block.attn, p) for p in ("q", "k", "v", "proj")}
        stacked = [
            np.concatenate(arrays)
            for arrays in zip(parts["q"], parts["k"], parts["v"], strict=True)
        ]
        folded[f"block.{index}.qkv"] = Folded(*stacked)
        folded[f"block.{index}.proj"] = parts["proj"]
        folded[f"block.{index}.fc1"] = _fold(block.mlp, "fc1")
        folded[f"block.{index}.fc2"] = _fold(block.mlp, "fc2")
    return folded


def _fold(module: nn.Module, part: str) -> Folded:
    linear = linear_of(module, part)
    return fold_norm(linear.weight, linear.bias, norm_of(module, part))


def quantize(
    network: Spikformer, pixels: PixelScale, weight_bits: int | None = None
) -> IntegerNetwork:
    """The integer network of `network` for raw pixels; weight_bits: None for its config's own.

    ContractError for a network of event frames, and for a tensor that holds NaN or infinity.
    """
    config = network.config
    if weight_bits is not None:
        config = config.model_copy(update={"weight_bits": weight_bits})
    config.require_still_input()
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise ContractError(f"checkpoint tensor {name}: holds NaN or infinity; train it again")
    folded = fold_network(network)
    layers = []
    for name in config.layer_names():
        kind = config.layer_kind(name)
        if kind == "attention":
            layers.append(_attention_layer(name, config))
        elif kind == "selector":
            layers.append(_selector_layer(name, network, config))
        elif kind == "head":
            layers.append(_head_layer(network, config))
        elif name == "conv0":
            layers.append(_pixel_layer(folded[name], pixels, config))
        else:
            layers.append(spiking_layer(name, folded[name], config))
    return IntegerNetwork(config, np.array(pixels.mean, np.uint8), tuple(layers))


def spiking_layer(name: str, folded: Folded, config: NetworkConfig) -> IntegerLayer:
    """The integer layer of a folded conv or linear layer that feeds LIF neurons."""
    scale = channel_scale(folded, config)
    return _with_threshold(
        name,
        _round_weight(folded.weight, scale, config),
        _round(folded.bias / scale),
        scale,
        config,
    )


def channel_scale(
    folded: Folded, config: NetworkConfig, bias_limit: int = numeric.BIAS_LIMIT - 1
) -> Floats:
    """s_c per output channel: the largest weight at the top of the range.

    A channel without weights takes its bias instead; the scale is raised where the integer bias
    would pass `bias_limit`.
    """
    limit = 2 ** (config.weight_bits - 1) - 1
    largest = np.abs(folded.weight.reshape(len(folded.weight), -1)).max(1)
    bias = np.abs(folded.bias)
    basis = np.where(largest > 0, largest, np.where(bias > 0, bias, limit))
    smallest = 2.0 ** (config.time_steps - _THRESHOLD_BITS)
    return np.maximum.reduce([basis / limit, bias / bias_limit, np.full(len(bias), smallest)])


def _pixel_layer(folded: Folded, pixels: PixelScale, config: NetworkConfig) -> IntegerLayer:
    """conv0 on raw pixels: 1/std goes into the weights, the mean into the bias."""
    weight = folded.weight / np.array(pixels.std).reshape(1, -1, 1, 1)
    limit = 2 ** (config.weight_bits - 1) - 1
    mean_most = 9 * sum(pixels.mean) * limit
    scaled = Folded(weight, folded.bias)
    scale = channel_scale(scaled, config, numeric.BIAS_LIMIT - 1 - mean_most)
    rounded = _round_weight(weight, scale, config)
    mean = (rounded.astype(np.int64) * np.array(pixels.mean).reshape(1, -1, 1, 1)).sum((1, 2, 3))
    return _with_threshold("conv0", rounded, _round(folded.bias / scale) - mean, scale, config)


def _with_threshold(
    name: str,
    weight: NDArray[np.int8],
    bias: NDArray[np.int64],
    scale: Floats,
    config: NetworkConfig,
) -> IntegerLayer:
    exact = [numeric.lif_threshold(float(s), config.time_steps) for s in scale]
    return IntegerLayer(
        name, config.layer_kind(name), weight, bias, np.array(exact, np.int64), scale
    )


def _attention_layer(name: str, config: NetworkConfig) -> IntegerLayer:
    threshold = numeric.lif_threshold(
        config.attention_scale, config.time_steps, ATTENTION_THRESHOLD
    )
    none = np.zeros(0, np.int64)
    return IntegerLayer(
        name,
        "attention",
        none.astype(np.int8),
        none,
        np.array([threshold], np.int64),
        none.astype(np.float64),
    )


def _selector_layer(name: str, network: Spikformer, config: NetworkConfig) -> IntegerLayer:
    """Hidden value s_c / T * (a + b_c); multiplier / 2**shift turns a + b_c into sixteenths."""
    index = int(name.split(".")[1])
    first, second = network.predictors()[index].layers()
    steps = config.time_steps
    folded = Folded(_array(first.weight), _array(first.bias) * steps)
    scale = channel_scale(folded, config)
    ratio = scale / steps * 2**numeric.GELU_FRACTION_BITS
    shift = int(np.clip(np.floor(np.log2(32767 / ratio.max())), 0, 31))
    score = _array(second.weight)[0] - _array(second.weight)[1]
    score_scale = np.abs(score).max() / 127 or 1.0
    return IntegerLayer(
        name,
        "selector",
        _round_weight(folded.weight, scale, config),
        _round(folded.bias / scale),
        np.zeros(0, np.int64),
        scale,
        multiplier=np.clip(_round(ratio * 2.0**shift), 0, 32767),
        shift=shift,
        score_weight=_round(score / score_scale).astype(np.int8),
        keep=config.selector_keep(index),
    )


def _head_layer(network: Spikformer, config: NetworkConfig) -> IntegerLayer:
    weight, bias = _array(network.head.weight), _array(network.head.bias)
    limit = 2 ** (config.weight_bits - 1) - 1
    scale = np.full(len(weight), np.abs(weight).max() / limit or 1.0)
    summed = config.time_steps * config.kept_tokens()[-1]
    return IntegerLayer(
        "head",
        "head",
        _round_weight(weight, scale, config),
        _round(bias * summed / scale),
        np.zeros(0, np.int64),
        scale,
    )


def _round_weight(weight: Floats, scale: Floats, config: NetworkConfig) -> NDArray[np.int8]:
    limit = 2 ** (config.weight_bits - 1) - 1
    scaled = weight / scale.reshape(-1, *[1] * (weight.ndim - 1))
    return np.clip(np.rint(scaled), -limit, limit).astype(np.int8)


def _round(values: Floats) -> NDArray[np.int64]:
    return np.rint(values).astype(np.int64)


def _array(tensor: Tensor) -> Floats:
    return cast(Floats, tensor.detach().double().numpy())
