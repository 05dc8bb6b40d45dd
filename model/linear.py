"""Linear layers with batch norm over the last axis, where the token layers keep their channels."""

from typing import cast

from torch import Tensor, nn


def linear_of(module: nn.Module, part: str) -> nn.Linear:
    """The linear layer called `part`_linear."""
    return cast(nn.Linear, module.get_submodule(f"{part}_linear"))


def norm_of(module: nn.Module, part: str) -> nn.BatchNorm1d:
    """The batch norm called `part`_bn."""
    return cast(nn.BatchNorm1d, module.get_submodule(f"{part}_bn"))


def linear_current(module: nn.Module, part: str, x: Tensor) -> Tensor:
    """norm(linear(x)) of x (..., D); all other axes are samples."""
    current = linear_of(module, part)(x)
    return cast(Tensor, norm_of(module, part)(current.flatten(0, -2)).view_as(current))
