"""Quantisation-aware fine-tuning: training with the weights that the integer network will have.

Source: straight-through gradients of rounded weights, Jacob et al. (CVPR 2018), section 3.

Folding a batch norm multiplies a whole output channel by one number. So rounding the unfolded
channel by a symmetric scale gives the integers that `quantize` finds after folding, and the
batch norms stay free to train.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.linear import linear_of
from model.network import Spikformer
from model.pixels import PixelScale

_Rounding = Callable[[Tensor], Tensor]
_SCORE_LIMIT = 127


@contextmanager
def rounded_weights(network: Spikformer, pixels: PixelScale) -> Iterator[None]:
    """Meanwhile the network computes with weights rounded to its config's weight_bits.

    Every weight that `quantize` rounds is rounded in the same groups: an output channel, for the
    head the whole tensor, for a selector's scores the difference of its two rows (8 bits).
    pixels: the scale whose std `quantize` will fold into conv0. Gradients reach the unrounded
    weights, which stay what `parameters`, `state_dict`, masks and snapshots hold, by their
    ordinary names. Zeros stay zero. At the end the rounded weights take their place; after an
    exception they do not. Not seen: the coarser scale of channels whose folded bias is some
    30,000 times their largest weight. A copy made by its constructor does not round.
    """
    places = list(_places(network, pixels))
    for module, rounding in places:
        module.__class__ = _ROUNDED[type(module)]
        module.rounding = rounding
    try:
        yield
        with torch.no_grad():
            for module, rounding in places:
                module.weight.copy_(rounding(module.weight))
    finally:
        for module, _ in places:
            module.__class__ = _PLAIN[type(module)]
            del module.rounding


class _RoundedLinear(nn.Linear):
    rounding: _Rounding

    def forward(self, input: Tensor) -> Tensor:
        """As nn.Linear, with rounded weights."""
        return functional.linear(input, _straight(self.weight, self.rounding), self.bias)


class _RoundedConv(nn.Conv2d):
    rounding: _Rounding

    def forward(self, input: Tensor) -> Tensor:
        """As nn.Conv2d, with rounded weights."""
        return self._conv_forward(input, _straight(self.weight, self.rounding), self.bias)


_ROUNDED: dict[type, type] = {nn.Linear: _RoundedLinear, nn.Conv2d: _RoundedConv}
_PLAIN = {rounded: plain for plain, rounded in _ROUNDED.items()}


class _StraightThrough(torch.autograd.Function):
    """The second tensor forwards; backwards its gradient goes to the first."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, rounded: Tensor) -> Tensor:
        """`rounded`, of the shape of weight."""
        return rounded.view_as(rounded)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """The gradient unchanged, to weight only."""
        return gradients[0], None


def _straight(weight: Tensor, rounding: _Rounding) -> Tensor:
    return _StraightThrough.apply(weight, rounding(weight.detach()))


def _places(network: Spikformer, pixels: PixelScale) -> Iterator[tuple[Any, _Rounding]]:
    """Every conv and linear layer with the rounding of its weight."""
    limit = 2 ** (network.config.weight_bits - 1) - 1
    channels = partial(_round_channels, limit=limit)
    stem = network.patch_embed
    yield stem.conv(0), partial(_round_pixel_channels, limit=limit, std=pixels.std)
    yield from ((stem.conv(index), channels) for index in range(1, 4))
    yield stem.rpe_conv, channels
    for block in network.blocks():
        yield from ((linear_of(block.attn, part), channels) for part in ("q", "k", "v", "proj"))
        yield from ((linear_of(block.mlp, part), channels) for part in ("fc1", "fc2"))
    for predictor in network.predictors():
        hidden, score = predictor.layers()
        yield hidden, channels
        yield score, _round_difference
    yield network.head, partial(_round_together, limit=limit)


def _round_channels(weight: Tensor, *, limit: int) -> Tensor:
    """weight (out, ...), each output channel to multiples of its largest weight / limit."""
    largest = weight.abs().flatten(1).amax(1)
    return _snap(weight, (largest / limit).view(-1, *[1] * (weight.ndim - 1)))


def _round_pixel_channels(weight: Tensor, *, limit: int, std: tuple[float, ...]) -> Tensor:
    """weight (out, in, 3, 3) on normalised pixels, rounded as the weight on raw ones."""
    deviation = weight.new_tensor(std).view(1, -1, 1, 1)
    return _round_channels(weight / deviation, limit=limit) * deviation


def _round_together(weight: Tensor, *, limit: int) -> Tensor:
    """The whole weight to multiples of its largest / limit."""
    return _snap(weight, weight.abs().amax() / limit)


def _round_difference(weight: Tensor) -> Tensor:
    """weight (2, in) with row 0 minus row 1 rounded; what changes is shared by the non-zeros."""
    difference = weight[0] - weight[1]
    rounded = _snap(difference, difference.abs().amax() / _SCORE_LIMIT)
    present = (weight != 0).to(weight.dtype)
    share = (rounded - difference) / present.sum(0).clamp(min=1) * present
    return weight + torch.stack([share[0], -share[1]])


def _snap(weight: Tensor, scale: Tensor) -> Tensor:
    """The nearest multiples of scale, halves to even; zeros where scale is 0."""
    step = torch.where(scale > 0, scale, torch.ones_like(scale))
    return (weight / step).round() * step
