"""Batch norm over the last axis, which is where the token layers keep their channels."""

from torch import Tensor, nn


def apply_norm(norm: nn.Module, x: Tensor) -> Tensor:
    """BatchNorm1d over the channels of x (..., D); all other axes are samples."""
    return norm(x.flatten(0, -2)).view_as(x)
