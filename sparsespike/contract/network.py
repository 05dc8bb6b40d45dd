"""The network as every folder sees it: its shape, its integer layers and its file.

Source: Spikformer (ICLR 2023) section 3 and SparseSpikformer (arXiv 2311.08806) section 3.
"""

import hashlib
import json
import zipfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from sparsespike.contract.errors import ContractError

FORMAT_VERSION = 1
WEIGHT_BITS = (4, 6, 8)
"""What a weight may have."""

LayerKind = Literal["conv", "linear", "attention", "selector", "head"]
_ARRAYS = ("weight", "bias", "threshold", "scale", "multiplier", "score_weight")
_DTYPES = dict(zip(_ARRAYS, ("int8", "int64", "int64", "float64", "int64", "int8"), strict=True))


class NetworkConfig(BaseModel):
    """Shape of one Spikformer; stem_channels (conv0..conv3): absent, dim / 8, / 4, / 2, / 1.

    varying_input: the input differs at every step (frames of an event camera), in float only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    time_steps: int = Field(ge=1, le=32)
    image_size: int = Field(ge=1)
    in_channels: int = Field(default=3, ge=1)
    dim: int = Field(ge=1)
    depth: int = Field(ge=1)
    heads: int = Field(ge=1)
    mlp_ratio: int = Field(default=4, ge=1)
    classes: int = Field(default=10, ge=1)
    stem_channels: tuple[int, int, int, int] = (0, 0, 0, 0)
    stem_pools: tuple[bool, bool, bool, bool] = (False, False, True, True)
    selector_blocks: tuple[int, ...] = ()
    keep_ratio: float = Field(default=1.0, gt=0, le=1)
    attention_scale: float = Field(default=0.125, gt=0)
    weight_bits: Literal[4, 6, 8] = 8
    varying_input: bool = False

    @model_serializer(mode="wrap")
    def _varying_input_only_if_true(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What was written before the field existed keeps its text, and with it its hash.
        values: dict[str, Any] = plain(self)
        if not self.varying_input:
            values.pop("varying_input", None)
        return values

    @model_validator(mode="before")
    @classmethod
    def _lists_and_stem(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        dim = values.get("dim")
        if "stem_channels" not in values and isinstance(dim, int) and dim > 0:
            values["stem_channels"] = tuple(max(1, dim // d) for d in (8, 4, 2, 1))
        return values

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.dim % self.heads:
            raise ValueError(f"heads must divide dim, but dim={self.dim}, heads={self.heads}")
        if min(self.stem_channels) < 1 or self.stem_channels[-1] != self.dim:
            raise ValueError(
                f"stem_channels must be positive and end with dim={self.dim}, "
                f"not {self.stem_channels}"
            )
        blocks = self.selector_blocks
        if list(blocks) != sorted({b for b in blocks if 0 <= b < self.depth}):
            raise ValueError(
                f"selector_blocks must ascend within 0..{self.depth - 1}, not {blocks}"
            )
        return self

    @classmethod
    def from_json(cls, text: str) -> "NetworkConfig":
        """Parse JSON; ContractError with one line if a field is wrong."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            found = (
                f" {where}: {first['msg']}, not {first['input']!r}"
                if where
                else f": {first['msg'].removeprefix('Value error, ')}"
            )
            raise ContractError(f"network{found}; correct this field") from error

    def require_still_input(self) -> None:
        """ContractError for a network whose input differs at every step."""
        if self.varying_input:
            raise ContractError(
                "network varying_input: its input differs at every step (event frames), the engine "
                "takes still images; use such a network in float: model.load_checkpoint"
            )

    def feature_sizes(self) -> tuple[tuple[int, int], ...]:
        """Edge length of the feature map of conv0..conv3: (before its pool, after it)."""
        sizes, size = [], self.image_size
        for pooled in self.stem_pools:
            after = (size - 1) // 2 + 1 if pooled else size
            sizes.append((size, after))
            size = after
        return tuple(sizes)

    def grid(self) -> int:
        """Edge length of the token grid after the stem."""
        return self.feature_sizes()[-1][1]

    def tokens(self) -> int:
        """N0, the number of tokens after the stem."""
        return self.grid() ** 2

    def selector_keep(self, index: int) -> int:
        """Tokens that selector `index` (0-based) keeps: max(1, int(N0 * rho**(index + 1)))."""
        return max(1, int(self.tokens() * self.keep_ratio ** (index + 1)))

    def kept_tokens(self) -> tuple[int, ...]:
        """Tokens that each block works on."""
        kept, count = [], self.tokens()
        for block in range(self.depth):
            if block in self.selector_blocks:
                count = self.selector_keep(self.selector_blocks.index(block))
            kept.append(count)
        return tuple(kept)

    def layer_names(self) -> tuple[str, ...]:
        """Names of all layers in the order of execution."""
        names = [*(f"conv{index}" for index in range(4)), "rpe"]
        for block in range(self.depth):
            if block in self.selector_blocks:
                names.append(f"selector.{self.selector_blocks.index(block)}")
            names += [f"block.{block}.{part}" for part in ("qkv", "attn", "proj", "fc1", "fc2")]
        return (*names, "head")

    def layer_kind(self, name: str) -> LayerKind:
        """Kind of the layer called `name`."""
        if name.startswith("conv") or name == "rpe":
            return "conv"
        if name.startswith("selector."):
            return "selector"
        if name == "head":
            return "head"
        return "attention" if name.endswith(".attn") else "linear"

    def weight_shape(self, name: str) -> tuple[int, ...]:
        """Shape of the integer weight of the layer called `name`; (0,) for attention."""
        if name.startswith("conv"):
            index = int(name[4:])
            source = self.stem_channels[index - 1] if index else self.in_channels
            return (self.stem_channels[index], source, 3, 3)
        dim, hidden = self.dim, self.dim * self.mlp_ratio
        shapes = {
            "qkv": (3 * dim, dim),
            "attn": (0,),
            "proj": (dim, dim),
            "fc1": (hidden, dim),
            "fc2": (dim, hidden),
            "rpe": (dim, dim, 3, 3),
            "head": (self.classes, dim),
        }
        if name.startswith("selector."):
            return (max(1, dim // 2), dim)
        return shapes[name.rsplit(".", 1)[-1]]


@dataclass(frozen=True, eq=False)
class IntegerLayer:
    """One layer of the integer network.

    weight: int8; conv (out, in, 3, 3); linear, head, selector (out, in); attention (0,).
    bias: int64 (out,), added to each accumulator (head: already times T * kept tokens; selector:
        already times T); attention (0,).
    threshold: int64; conv, linear (out,): ceil(2**T * th / s_c); attention (1,):
        ceil(2**T * 0.5 / attention_scale); head, selector (0,).
    scale: float64 (out,), s_c; information only, no integer arithmetic uses it.
    multiplier, shift, score_weight, keep: selector only; int64 (out,) in 0..32767, 0..31,
        int8 (out,), and the number of tokens kept.
    """

    name: str
    kind: LayerKind
    weight: NDArray[np.int8]
    bias: NDArray[np.int64]
    threshold: NDArray[np.int64]
    scale: NDArray[np.float64]
    multiplier: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    shift: int = 0
    score_weight: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))
    keep: int = 0

    def check(self, config: NetworkConfig) -> None:
        """ContractError unless dtypes, shapes and ranges are those of `config`."""
        shape = config.weight_shape(self.name)
        out = shape[0]
        lif = self.kind in ("conv", "linear")
        selector = self.kind == "selector"
        wanted = {
            "weight": shape,
            "bias": (out,),
            "scale": (out,),
            "threshold": (1,) if self.kind == "attention" else (out if lif else 0,),
            "multiplier": (out if selector else 0,),
            "score_weight": (out if selector else 0,),
        }
        for name, shape in wanted.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != _DTYPES[name]:
                raise ContractError(
                    f"layer {self.name}: {name} is {array.dtype} {array.shape}, "
                    f"not {_DTYPES[name]} {shape}; quantize the network again"
                )
        limit = 2 ** (config.weight_bits - 1) - 1
        if self.weight.size and np.abs(self.weight.astype(np.int16)).max() > limit:
            raise ContractError(
                f"layer {self.name}: a weight exceeds +-{limit}, the range of "
                f"{config.weight_bits} bits; quantize with more weight_bits"
            )
        multipliers = self.multiplier.clip(0, 32767)
        keep = config.selector_keep(int(self.name.split(".")[1])) if selector else 0
        if self.keep != keep:
            raise ContractError(
                f"layer {self.name}: keep is {self.keep}, the config says {keep}; "
                "quantize the network again"
            )
        if not (0 <= self.shift <= 31 and np.array_equal(multipliers, self.multiplier)):
            raise ContractError(
                f"layer {self.name}: multiplier or shift out of range (0..32767, "
                "0..31); quantize the network again"
            )


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """The quantised network: the specification of what the hardware computes.

    pixel_pad: uint8 (in_channels,), the integer channel mean that surrounds the image.
    layers: in the order of `config.layer_names()`.
    """

    config: NetworkConfig
    pixel_pad: NDArray[np.uint8]
    layers: tuple[IntegerLayer, ...]

    def __post_init__(self) -> None:
        config = self.config
        config.require_still_input()
        names = tuple(layer.name for layer in self.layers)
        if names != config.layer_names():
            wrong = next(
                (a for a, b in zip(names, config.layer_names(), strict=False) if a != b),
                f"{len(names)} layers",
            )
            raise ContractError(
                f"network layers: {wrong} does not fit the config; "
                f"expected the order {', '.join(config.layer_names())}"
            )
        if self.pixel_pad.shape != (config.in_channels,) or self.pixel_pad.dtype != np.uint8:
            raise ContractError(
                f"network pixel_pad: {self.pixel_pad.dtype} "
                f"{self.pixel_pad.shape}, not uint8 ({config.in_channels},)"
            )
        for layer in self.layers:
            if layer.kind != config.layer_kind(layer.name):
                raise ContractError(
                    f"layer {layer.name}: kind {layer.kind!r} is wrong; "
                    f"use {config.layer_kind(layer.name)!r}"
                )
            layer.check(config)

    @cached_property
    def _by_name(self) -> dict[str, IntegerLayer]:
        return {layer.name: layer for layer in self.layers}

    def layer(self, name: str) -> IntegerLayer:
        """The layer called `name`."""
        if name not in self._by_name:
            raise ContractError(f"network has no layer {name!r}; it has {', '.join(self._by_name)}")
        return self._by_name[name]

    def weight_sparsity(self) -> float:
        """Zeros among all integer weights of tensors with two or more dimensions, 0..1."""
        weights = [layer.weight for layer in self.layers if layer.weight.ndim >= 2]
        return 1.0 - sum(int(np.count_nonzero(w)) for w in weights) / sum(w.size for w in weights)

    def weight_density(self) -> dict[str, float]:
        """Share of non-zero weights of every layer that has weights, 0..1."""
        return {
            layer.name: np.count_nonzero(layer.weight) / layer.weight.size
            for layer in self.layers
            if layer.weight.size
        }

    def content_hash(self) -> str:
        """SHA-256 (hex) of config, layer records and every array, in a fixed byte order."""
        digest = hashlib.sha256(json.dumps(self._header(), sort_keys=True).encode())
        for key, array in sorted(self._arrays().items()):
            digest.update(f"{key} {array.dtype.str} {array.shape};".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def save(self, path: Path | str) -> None:
        """Write one .npz: a JSON header with the content hash, then the arrays."""
        header = {**self._header(), "sha256": self.content_hash()}
        text = np.frombuffer(json.dumps(header, sort_keys=True).encode(), np.uint8)
        with open(path, "wb") as file:
            np.savez_compressed(file, header=text, **self._arrays())

    @classmethod
    def load(cls, path: Path | str) -> "IntegerNetwork":
        """Read a file written by `save`; ContractError if it is anything else or was changed."""
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {key: file[key] for key in file.files}
            header = json.loads(arrays.pop("header").tobytes())
            version, stored = header["version"], header["sha256"]
            if version != FORMAT_VERSION:
                raise ContractError(
                    f"{path}: integer network format {version}, this program reads "
                    f"{FORMAT_VERSION}; quantize the checkpoint again"
                )
            network = _decode(header, arrays)
        except FileNotFoundError:
            raise ContractError(f"{path}: no such network; use 'sparsespike quantize'") from None
        except (
            OSError,
            EOFError,
            KeyError,
            TypeError,
            AttributeError,
            zipfile.BadZipFile,
            ValueError,
        ) as error:
            if isinstance(error, ContractError):
                raise
            raise ContractError(
                f"{path}: not a readable integer network ({type(error).__name__}); "
                "make it again with 'sparsespike quantize'"
            ) from error
        if network.content_hash() != stored:
            raise ContractError(
                f"{path}: content hash differs from the stored {stored[:12]}, "
                "the file was changed; make it again with 'sparsespike quantize'"
            )
        return network

    def _header(self) -> dict[str, Any]:
        records = [
            {"name": x.name, "kind": x.kind, "shift": x.shift, "keep": x.keep} for x in self.layers
        ]
        return {
            "version": FORMAT_VERSION,
            "config": self.config.model_dump(mode="json"),
            "layers": records,
        }

    def _arrays(self) -> dict[str, Any]:
        arrays = {f"{x.name}/{key}": getattr(x, key) for x in self.layers for key in _ARRAYS}
        return {**arrays, "pixel_pad": self.pixel_pad}


def _decode(header: dict[str, Any], arrays: dict[str, Any]) -> IntegerNetwork:
    config = NetworkConfig.from_json(json.dumps(header["config"]))
    layers = tuple(
        IntegerLayer(**r, **{key: arrays[f"{r['name']}/{key}"] for key in _ARRAYS})
        for r in header["layers"]
    )
    return IntegerNetwork(config=config, pixel_pad=arrays["pixel_pad"], layers=layers)
