"""Synthetic checkpoints in the three official dialects: the authors' names and shapes, random."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.official import ImportOptions, OfficialImport, import_official

State = dict[str, Tensor]

HEADS = {"CIFAR": 2, "DVS": 4, "ImageNet": 2}
SIZES = {"CIFAR": 16, "DVS": 16, "ImageNet": 32}
"""Edge of the small images that the tests run."""


def official_state(
    kind: str, *, dim: int = 16, depth: int = 4, classes: int = 7, predictors: int = 0
) -> State:
    """A state dict as the authors' code saves it; MLP ratio 2, tensors random but alive."""
    maker = _Maker(kind)
    channels = (2 if kind == "DVS" else 3, dim // 8, dim // 4, dim // 2, dim)
    for index in range(4):
        suffix = str(index) if index else ""
        maker.conv(f"patch_embed.proj_conv{suffix}", channels[index], channels[index + 1])
        maker.norm(f"patch_embed.proj_bn{suffix}", channels[index + 1])
    maker.conv("patch_embed.rpe_conv", dim, dim)
    maker.norm("patch_embed.rpe_bn", dim)
    for block in range(depth):
        for part in ("q", "k", "v", "proj"):
            bias = part == "proj" or kind == "CIFAR"
            maker.layer(f"block.{block}.attn.{part}", dim, dim, bias=bias)
        maker.layer(f"block.{block}.mlp.fc1", dim, 2 * dim)
        maker.layer(f"block.{block}.mlp.fc2", 2 * dim, dim)
        maker.layer_norm(f"block.{block}.norm1", dim)
        maker.layer_norm(f"block.{block}.norm2", dim)
    for index in range(predictors):
        maker.linear(f"predictor.{index}.linear.0", dim, dim // 2)
        maker.linear(f"predictor.{index}.linear.2", dim // 2, 2)
    maker.linear("head", dim, classes)
    if kind == "DVS":
        maker.layer_norm("norm", dim)
        maker.state["pos_embed"] = torch.zeros(1, (SIZES[kind] // 16) ** 2, dim)
    return maker.state


class _Maker:
    def __init__(self, kind: str) -> None:
        self.state: State = {}
        self._kind = kind
        self._random = torch.Generator().manual_seed(len(kind))

    def conv(self, name: str, inputs: int, outputs: int) -> None:
        self.state[f"{name}.weight"] = self._normal(outputs, inputs, 3, 3) / (9 * inputs) ** 0.5

    def linear(self, name: str, inputs: int, outputs: int) -> None:
        self.state[f"{name}.weight"] = self._normal(outputs, inputs) / inputs**0.5
        self.state[f"{name}.bias"] = self._normal(outputs) / 4

    def layer(self, name: str, inputs: int, outputs: int, *, bias: bool = True) -> None:
        """A linear layer of a block, stored as its dialect stores it, and its batch norm."""
        kind = "linear" if self._kind == "CIFAR" else "conv"
        wide = {"CIFAR": 0, "DVS": 1, "ImageNet": 2 if ".mlp." in name else 1}[self._kind]
        self.linear(f"{name}_{kind}", inputs, outputs)
        weight = self.state[f"{name}_{kind}.weight"]
        self.state[f"{name}_{kind}.weight"] = weight.reshape(outputs, inputs, *[1] * wide)
        if not bias:
            del self.state[f"{name}_{kind}.bias"]
        self.norm(f"{name}_bn", outputs)

    def norm(self, name: str, channels: int) -> None:
        self.state[f"{name}.weight"] = 1 + self._uniform(channels)
        self.state[f"{name}.bias"] = 0.3 + self._uniform(channels)
        self.state[f"{name}.running_mean"] = self._normal(channels) / 4
        self.state[f"{name}.running_var"] = 0.2 + self._uniform(channels)
        self.state[f"{name}.num_batches_tracked"] = torch.tensor(9)

    def layer_norm(self, name: str, channels: int) -> None:
        self.state[f"{name}.weight"] = self._normal(channels)
        self.state[f"{name}.bias"] = self._normal(channels)

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self._random)

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self._random)


def save(state: State, folder: Path) -> Path:
    """The state dict in a file of its own."""
    torch.save(state, folder / "n.pth")
    return folder / "n.pth"


def read(path: Path, kind: str = "CIFAR", **options: Any) -> OfficialImport:
    """The file, imported with the heads of its kind unless `options` say otherwise."""
    return import_official(path, ImportOptions(**{"heads": HEADS[kind], **options}))
