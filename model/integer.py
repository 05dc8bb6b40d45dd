"""The golden model: the integer network on raw pixels, the specification of the hardware.

Integers only; rules in sparsespike.contract.numeric, operators in model.integer_ops.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model import integer_ops as ops
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerNetwork


@dataclass(frozen=True, eq=False)
class GoldenTrace:
    """What every layer put out for B images, by layer name.

    layers: conv0..3: spikes after pooling, uint8 (B, T, positions, channels); rpe, proj, fc2: the
        residual count after the addition, uint8; qkv, attn, fc1: spikes, uint8; tokens are the
        kept ones, ascending. selector.k: scores int64 (B, tokens). head: logits int64 (B, classes).
    kept: selector.k: original token indices int64 (B, keep), ascending.
    """

    layers: dict[str, NDArray[np.integer]]
    kept: dict[str, NDArray[np.int64]]

    @property
    def logits(self) -> NDArray[np.integer]:
        """The head's int64 (B, classes)."""
        return self.layers["head"]


class LayerOutput(NamedTuple):
    """One layer's output in the golden model's own layout, (channels, T, B, positions)."""

    name: str
    output: Tensor
    kept: Tensor | None = None


def golden_forward(network: IntegerNetwork, images: NDArray[np.uint8]) -> GoldenTrace:
    """Every layer's output for uint8 images (B, H, W, C)."""
    layers: dict[str, NDArray[np.integer]] = {}
    kept: dict[str, NDArray[np.int64]] = {}
    for name, output, tokens in golden_layers(network, images):
        if tokens is not None:
            kept[name] = tokens.numpy()
        spatial = output.ndim == 4
        layers[name] = (output.permute(2, 1, 3, 0).contiguous() if spatial else output).numpy()
    return GoldenTrace(layers, kept)


def golden_logits(network: IntegerNetwork, images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Logits int64 (B, classes) for uint8 images (B, H, W, C)."""
    return list(golden_layers(network, images))[-1].output.numpy()


def golden_layers(network: IntegerNetwork, images: NDArray[np.uint8]) -> Iterator[LayerOutput]:
    """The outputs of all layers in order of execution; scores and logits are (B, ...)."""
    config = network.config
    wanted = (config.image_size, config.image_size, config.in_channels)
    if images.ndim != 4 or images.shape[1:] != wanted or images.dtype != np.uint8:
        raise ContractError(
            f"images: {images.dtype} {images.shape}; the network takes uint8 "
            f"(B, {', '.join(map(str, wanted))})"
        )
    x = None
    for output in _stem(network, images):
        x = output.output
        yield output
    assert x is not None
    origin = torch.arange(config.tokens()).expand(len(images), -1)
    for block in range(config.depth):
        if block in config.selector_blocks:
            name = f"selector.{config.selector_blocks.index(block)}"
            scores, positions = ops.select(network.layer(name), x)
            x, origin = ops.take_tokens(x, positions), origin.gather(1, positions)
            yield LayerOutput(name, scores, origin)
        for output in _block(network, block, x):
            x = output.output
            yield output
    yield LayerOutput("head", ops.head_logits(network.layer("head"), x))


def _stem(network: IntegerNetwork, images: NDArray[np.uint8]) -> Iterator[LayerOutput]:
    config, steps = network.config, network.config.time_steps
    x = torch.from_numpy(images).permute(3, 0, 1, 2).flatten(2).unsqueeze(1)  # (C, 1, B, H * W)
    pad = torch.from_numpy(network.pixel_pad)
    for index, (size, _) in enumerate(config.feature_sizes()):
        layer = network.layer(f"conv{index}")
        x = ops.fire(ops.conv_current(layer, x, size, pad), layer, steps)
        if config.stem_pools[index]:
            x = ops.pool(x, size)
        yield LayerOutput(layer.name, x)
        pad = torch.zeros(len(x), dtype=torch.uint8)
    layer = network.layer("rpe")
    yield LayerOutput(
        "rpe", x + ops.fire(ops.conv_current(layer, x, config.grid(), pad), layer, steps)
    )


def _block(network: IntegerNetwork, block: int, x: Tensor) -> Iterator[LayerOutput]:
    steps = network.config.time_steps

    def fire(part: str, inputs: Tensor) -> Tensor:
        layer = network.layer(f"block.{block}.{part}")
        return ops.fire(ops.linear_current(layer, inputs), layer, steps)

    def output(part: str, value: Tensor) -> LayerOutput:
        return LayerOutput(f"block.{block}.{part}", value)

    qkv = fire("qkv", x)
    yield output("qkv", qkv)
    context = ops.attention_current(qkv, network.config.heads)
    attention = ops.fire(context, network.layer(f"block.{block}.attn"), steps)
    yield output("attn", attention)
    x = x + fire("proj", attention)
    yield output("proj", x)
    hidden = fire("fc1", x)
    yield output("fc1", hidden)
    yield output("fc2", x + fire("fc2", hidden))
