"""The authors' checkpoints, read as they are: Spikformer and SparseSpikformer.

Source: the published code of both papers.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.checkpoint import Checkpoint, fill, holds_config, nearest
from model.dialect import Dialect, dialect_of
from model.network import Spikformer
from model.normalization import NORMALIZATIONS, Normalization, NormalizationName, round_mean
from model.pixels import PixelScale
from model.state_file import State, read_state
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import NetworkConfig

_UNUSED = re.compile(r"block\.\d+\.norm[12]\..*|norm\..*|pos_embed|.*\.num_batches_tracked")
"""Tensors that the official forward pass never uses."""

_STEM = tuple(f"patch_embed.proj_conv{index}.weight" for index in ("", 1, 2, 3))
_EVENT_PIXELS = PixelScale((0, 0), (1.0, 1.0))


@dataclass(frozen=True)
class ImportOptions:
    """What no tensor of a checkpoint tells; None: as the authors have it.

    keep_ratio: 1 keeps every token. selector_blocks: 1, 2, .., one for each predictor.
    normalization: of the training images; cifar100 for 100 classes of CIFAR.
    """

    heads: int | None = None
    keep_ratio: float | None = None
    time_steps: int | None = None
    image_size: int | None = None
    selector_blocks: tuple[int, ...] | None = None
    weight_bits: int = 8
    normalization: NormalizationName | None = None


@dataclass(frozen=True, eq=False)
class OfficialNetwork:
    """The network as trained.

    normalization: of its images, None where frames are taken as they are. skipped: names of
    tensors without a use.
    """

    network: Spikformer
    normalization: Normalization | None
    dialect: Dialect
    skipped: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class OfficialImport:
    """checkpoint: the network in our format; dialect, skipped: as in OfficialNetwork."""

    checkpoint: Checkpoint
    dialect: Dialect
    skipped: tuple[str, ...]


def import_official(path: Path | str, options: ImportOptions) -> OfficialImport:
    """`read_official`, then made ready for 8-bit pixels: the channel means become whole pixels."""
    official = read_official(path, options)
    pixels = _EVENT_PIXELS
    if official.normalization is not None:
        pixels = round_mean(official.network, official.normalization)
    return OfficialImport(Checkpoint(official.network, pixels), official.dialect, official.skipped)


def read_official(path: Path | str, options: ImportOptions) -> OfficialNetwork:
    """Read an official file; the shapes give what `options` leaves open.

    ContractError names a tensor that is missing, unknown, misshapen or not finite.
    """
    where = str(path)
    if holds_config(path):
        raise ContractError(f"{where}: is a sparsespike checkpoint already; use it as it is")
    stored = read_state(Path(path))
    skipped = tuple(sorted(name for name in stored if _UNUSED.fullmatch(name)))
    tensors = _Tensors(where, {n: t for n, t in stored.items() if n not in skipped})
    config = _config(tensors, options, stored.get("pos_embed"))
    network = Spikformer(config)
    fill(network, tensors.with_biases(config), where, spell=tensors.dialect.spell)
    return OfficialNetwork(
        network.eval(), _normalization(config, tensors, options), tensors.dialect, skipped
    )


class _Tensors:
    """A file's tensors under our names, the blocks' convolutions of width 1 as matrices."""

    def __init__(self, where: str, stored: State) -> None:
        self.where = where
        self._stored = stored
        for name, tensor in stored.items():
            if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
                raise ContractError(f"{where}: tensor {name} holds NaN or infinity; train it again")
        self.dialect = dialect_of(stored, where)
        self._ours = {
            self.dialect.spell(name): tensor.flatten(1)
            if name.startswith("block.") and tensor.ndim > 2
            else tensor
            for name, tensor in stored.items()
        }

    def shape(self, name: str, dimensions: int) -> tuple[int, ...]:
        """Shape of a tensor that must be there and have so many dimensions."""
        spelled = self.dialect.spell(name)
        if name not in self._ours:
            raise ContractError(
                f"{self.where}: tensor {spelled} is missing{nearest(spelled, list(self._stored))}; "
                "only whole Spikformer and SparseSpikformer checkpoints can be imported: "
                "check the file"
            )
        shape = tuple(self._ours[name].shape)
        if len(shape) != dimensions:
            raise ContractError(
                f"{self.where}: tensor {spelled} has shape {shape}, expected {dimensions} "
                "dimensions; check the file"
            )
        return shape

    def count(self, kind: str) -> int:
        """Blocks or predictors, numbered from 0 without a gap."""
        count = 0
        while any(name.startswith(f"{kind}.{count}.") for name in self._ours):
            count += 1
        return count

    def with_biases(self, config: NetworkConfig) -> State:
        """All tensors; Q, K and V without a bias have one of zero."""
        state = dict(self._ours)
        for block in range(config.depth):
            for part in ("q", "k", "v"):
                name = f"block.{block}.attn.{part}_linear"
                if f"{name}.weight" in state:
                    state.setdefault(f"{name}.bias", torch.zeros(config.dim))
        return state


def _config(tensors: _Tensors, options: ImportOptions, position: Tensor | None) -> NetworkConfig:
    """The architecture; `position` (1, N, D), where there is one, tells the image size."""
    dialect, stem = tensors.dialect, [tensors.shape(name, 4) for name in _STEM]
    if stem[0][1] != dialect.channels:
        raise ContractError(
            f"{tensors.where}: {_STEM[0]} takes {stem[0][1]} channels, but the blocks are those "
            f"of the {dialect.name} nets, which take {dialect.channels}; only RGB images and DVS "
            "event frames can be imported: check the file"
        )
    dim = tensors.shape("patch_embed.rpe_conv.weight", 4)[0]
    values = {
        "dim": dim,
        "in_channels": dialect.channels,
        "stem_channels": tuple(shape[0] for shape in stem),
        "depth": tensors.count("block"),
        "mlp_ratio": tensors.shape("block.0.mlp.fc1_linear.weight", 2)[0] // max(1, dim),
        "classes": tensors.shape("head.weight", 2)[0],
        "heads": _heads(tensors, options),
        "time_steps": _given(options.time_steps, dialect.time_steps),
        "image_size": _given(options.image_size, _image_size(dialect, position)),
        "stem_pools": dialect.stem_pools,
        "attention_scale": dialect.attention_scale,
        "weight_bits": options.weight_bits,
        "varying_input": dialect.varying_input,
        **_selectors(tensors, options),
    }
    return NetworkConfig.from_json(json.dumps(values))


def _given(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else value


def _heads(tensors: _Tensors, options: ImportOptions) -> int:
    if options.heads is None:
        dialect = tensors.dialect
        raise ContractError(
            f"{tensors.where}: the number of heads stands in no tensor; give it with --heads "
            f"(heads=): the authors' {dialect.name} nets have {dialect.heads}"
        )
    return options.heads


def _selectors(tensors: _Tensors, options: ImportOptions) -> dict[str, Any]:
    count = tensors.count("predictor")
    blocks = _given(options.selector_blocks, tuple(range(1, 1 + count)))
    if len(blocks) != count:
        raise ContractError(
            f"{tensors.where}: --selector-blocks names {len(blocks)} blocks, but the file has "
            f"{count} predictors; give one block for each"
        )
    ratio = _given(options.keep_ratio, 1.0)
    if not count and ratio != 1:
        raise ContractError(
            f"{tensors.where}: --keep-ratio {ratio:g} needs a token selector, but the file has no "
            "predictor; remove the option"
        )
    return {"selector_blocks": blocks, "keep_ratio": ratio}


def _image_size(dialect: Dialect, position: Tensor | None) -> int:
    """A DVS net's position embedding has one row a token; four pools make it 16 pixels wide."""
    if dialect.varying_input and position is not None and position.ndim == 3:
        edge = round(position.shape[1] ** 0.5)
        if edge and edge**2 == position.shape[1]:
            return 16 * edge
    return dialect.image_size


def _normalization(
    config: NetworkConfig, tensors: _Tensors, options: ImportOptions
) -> Normalization | None:
    dialect, chosen = tensors.dialect, options.normalization
    if dialect.varying_input:
        if chosen is not None:
            raise ContractError(
                f"{tensors.where}: --normalization {chosen} is for images, but the file takes "
                "event frames, which stay as they are; remove the option"
            )
        return None
    cifar: NormalizationName = "cifar100" if config.classes == 100 else "cifar10"
    return NORMALIZATIONS[chosen or ("imagenet" if dialect.convolutions else cifar)]
