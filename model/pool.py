"""Max-pool of spikes as one opaque operator.

torch.compile would split a strided max-pool's backward pass into scalar code, a third of the
training time of a small network on a CPU; the library's own kernel is vectorised.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_WINDOW = ([3, 3], [2, 2], [1, 1])
"""Kernel, stride and padding of every pool of the stem (Spikformer, ICLR 2023, section 3.3)."""


def max_pool(x: Tensor) -> Tensor:
    """3x3 max-pool of x (B, C, H, W), stride 2, padding 1; the first maximum gets the slope."""
    if not torch.compiler.is_compiling():  # the operator's first call loads the whole compiler
        return functional.max_pool2d(x, *_WINDOW)
    pooled, _ = _pool(x)
    return pooled


@torch.library.custom_op("sparsespike::max_pool", mutates_args=())
def _pool(x: Tensor) -> tuple[Tensor, Tensor]:
    pooled, positions = torch.ops.aten.max_pool2d_with_indices(x, *_WINDOW)
    return _dense_channels(pooled), _dense_channels(positions)


@_pool.register_fake
def _(x: Tensor) -> tuple[Tensor, Tensor]:
    batch, channels, height, width = x.shape
    shape = (batch, channels, (height + 1) // 2, (width + 1) // 2)
    pooled = x.new_empty(shape)
    return _dense_channels(pooled), _dense_channels(pooled.to(torch.int64))


@torch.library.custom_op("sparsespike::max_pool_backward", mutates_args=())
def _pool_backward(gradient: Tensor, x: Tensor, positions: Tensor) -> Tensor:
    slope = torch.ops.aten.max_pool2d_with_indices_backward(
        _dense_channels(gradient), x, *_WINDOW, [1, 1], False, positions
    )
    return _dense_channels(slope)


@_pool_backward.register_fake
def _(gradient: Tensor, x: Tensor, positions: Tensor) -> Tensor:
    return _dense_channels(torch.empty_like(x))


def _dense_channels(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def _remember(ctx: Any, inputs: tuple[Tensor], output: tuple[Tensor, Tensor]) -> None:
    ctx.save_for_backward(inputs[0], output[1])


def _backward(ctx: Any, gradient: Tensor, _: Tensor) -> Tensor:
    return _pool_backward(gradient, *ctx.saved_tensors)


_pool.register_autograd(_backward, setup_context=_remember)
