"""Program: layer descriptors and the memory image compiled for one engine, in one file.

The engine reads the memory image from `PROGRAM_ADDR`: a 64-byte header, one 64-byte descriptor per
layer, and, from the next 4 KiB boundary, the weight stream. Field positions stand in the tables
below and nowhere else; the RTL and the simulator read them from here.
"""

from __future__ import annotations

import enum
import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError
from sparsespike.contract.files import write_atomically
from sparsespike.contract.network import NetworkConfig

HEADER_MAGIC = 0x47525053  # "SPRG", little-endian
DESCRIPTOR_MAGIC = 0x5C
TILE_MAGIC = 0xA5
FORMAT_VERSION = 5
CHECKSUM_TARGET = 0x53504B45
"""The 16 words of a header or descriptor sum to this, modulo 2**32."""
_FILE_MAGIC = b"SPSPIKE1"


class Operation(enum.IntEnum):
    """What a descriptor runs."""

    MATMUL = 1
    ATTENTION = 2


class Output(enum.IntEnum):
    """Where a matmul's results go."""

    SPIKE = 0
    COUNT = 1
    SCORE = 2
    HEAD = 3


class Accumulate(enum.IntEnum):
    """When a lane hands over its accumulators: after each step group, each token, or all tokens."""

    GROUP = 0
    TOKEN = 1
    ALL = 2


HEADER_FIELDS: dict[str, tuple[int, int, int]] = {
    # name: (word, lowest bit, bits)
    "magic": (0, 0, 32),
    "version": (1, 0, 32),
    "engine": (2, 0, 32),
    "layers": (3, 0, 16),
    "weight_offset": (4, 0, 32),
    "weight_beats": (5, 0, 32),
    "pixels": (6, 0, 24),
    "pixel_base": (7, 0, 32),
    "checksum": (15, 0, 32),
}

DESCRIPTOR_FIELDS: dict[str, tuple[int, int, int]] = {
    "magic": (0, 0, 8),
    "operation": (0, 8, 4),
    "convolution": (0, 12, 1),
    "pixel": (0, 13, 1),
    "source_counts": (0, 14, 1),
    "use_list": (0, 15, 1),
    "accumulate": (0, 16, 2),
    "output": (0, 18, 2),
    "pool": (0, 20, 1),
    "residual": (0, 21, 1),
    "last": (0, 22, 1),
    "planes": (0, 24, 3),
    "split": (0, 27, 2),
    "tokens": (1, 0, 16),
    "groups": (1, 16, 8),
    "time_steps": (1, 24, 8),
    "height": (2, 0, 16),
    "width": (2, 16, 16),
    "chunks": (3, 0, 16),
    "source_stride": (3, 16, 16),
    "source_base": (4, 0, 32),
    "destination_base": (5, 0, 32),
    "destination_rows": (6, 0, 16),
    "tiles": (6, 16, 16),
    "residual_base": (7, 0, 32),
    "pad": (8, 0, 32),
    "key_offset": (9, 0, 16),
    "value_offset": (9, 16, 16),
    "keep": (10, 0, 16),
    "shift": (10, 16, 5),
    "threshold": (11, 0, 32),
    "classes": (12, 0, 16),
    "heads": (12, 16, 8),
    "head_words": (12, 24, 8),
    "layer": (13, 0, 16),
    "seam_lines": (14, 0, 32),
    "checksum": (15, 0, 32),
}

TILE_FIELDS: dict[str, tuple[int, int]] = {
    # first beat of a tile packet; name: (lowest bit, bits)
    "magic": (0, 8),
    "cluster": (8, 5),
    "split": (13, 2),
    "lanes": (15, 7),
    "row": (22, 13),
    "mask_words": (35, 13),
    "nibble_beats": (48, 16),
}
"""`lanes` channels, each of so many mask words; the constants: `derived.record_fields`."""


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """One layer as the engine reads it. Bases and strides: words are chunk words, rows are rows.

    Attributes:
        tokens: positions walked (a convolution: height x width).
        groups: step groups of `EngineConfig.time_steps` steps; time_steps: steps of the network.
        planes: bits of the counts walked, whatever the engine's digits; 1 without counts.
        chunks: words walked per token and group (pixel layers: passes).
        source_stride: words stored per token and group (a multiple of the words of a line).
        destination_rows: rows stored per token and group.
        tiles: tiles of the layer; team k computes tiles k, k + teams, ... of the stream.
        split: log2 of the bands of positions, one for each cluster of a team.
        seam_lines: memory lines of the pooled map, if there are several bands; else 0.
        key_offset, value_offset: words from a token's query words to its key and value words.
        head_words: words of one attention head.
    """

    operation: int
    tokens: int
    groups: int
    time_steps: int
    layer: int
    convolution: int = 0
    pixel: int = 0
    source_counts: int = 0
    use_list: int = 0
    accumulate: int = int(Accumulate.GROUP)
    output: int = int(Output.SPIKE)
    pool: int = 0
    residual: int = 0
    last: int = 0
    planes: int = 1
    split: int = 0
    seam_lines: int = 0
    height: int = 1
    width: int = 1
    chunks: int = 0
    source_stride: int = 0
    source_base: int = 0
    destination_base: int = 0
    destination_rows: int = 0
    tiles: int = 0
    residual_base: int = 0
    pad: int = 0
    key_offset: int = 0
    value_offset: int = 0
    keep: int = 0
    shift: int = 0
    threshold: int = 0
    classes: int = 0
    heads: int = 0
    head_words: int = 0

    def pack(self) -> bytes:
        """The 64 bytes the engine reads."""
        return pack_words(vars(self) | {"magic": DESCRIPTOR_MAGIC}, DESCRIPTOR_FIELDS)


def pack_words(values: dict[str, int], fields: dict[str, tuple[int, int, int]]) -> bytes:
    """Sixteen little-endian 32-bit words from named fields, checksum included.

    Raises ContractError if a value does not fit its field.
    """
    words = [0] * 16
    for name, value in values.items():
        word, low, bits = fields[name]
        if not 0 <= value < 1 << bits:
            raise ContractError(
                f"descriptor field {name} = {value} does not fit {bits} bits; use a smaller network"
            )
        words[word] |= value << low
    words[15] = (CHECKSUM_TARGET - sum(words[:15])) % (1 << 32)
    return np.array(words, dtype="<u4").tobytes()


def unpack_words(data: bytes, fields: dict[str, tuple[int, int, int]]) -> dict[str, int]:
    """Named fields of 64 bytes; the checksum is the caller's to check."""
    words = np.frombuffer(data, dtype="<u4").tolist()
    return {
        name: (words[word] >> low) & ((1 << bits) - 1) for name, (word, low, bits) in fields.items()
    }


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A descriptor, its name, and what its stored rows mean.

    Attributes:
        slot_channel: (destination_rows * pitch,) output channel of each stored slot, -1 where none.
        tensor_tokens: positions stored (after pooling).
        mapping: (tiles, 3) int: stream order of (first cluster, row, expected matches).
    """

    name: str
    descriptor: Descriptor
    slot_channel: np.ndarray
    tensor_tokens: int
    mapping: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), dtype=np.int64))


@dataclass(frozen=True, kw_only=True)
class Program:
    """What `compile` writes and simulator and RTL run.

    Attributes:
        image: uint8 memory image from PROGRAM_ADDR: header, descriptors, weight stream.
        pixel_pad: (channels,) uint8 value of pixels outside the image.
    """

    engine: EngineConfig
    network: NetworkConfig
    network_hash: str
    layers: tuple[Layer, ...]
    image: np.ndarray
    pixel_pad: np.ndarray

    @cached_property
    def header(self) -> dict[str, int]:
        """Fields of the image's header."""
        return unpack_words(self.image[:64].tobytes(), HEADER_FIELDS)

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) over the file's JSON and the memory image."""
        return _digest(self._json(), self.image.tobytes())

    def weight_stream(self) -> np.ndarray:
        """uint8 (beats, bytes of a beat): the weight stream, beat by beat."""
        beat = self.engine.axi_data_bits // 8
        offset = self.header["weight_offset"]
        return self.image[offset : offset + self.header["weight_beats"] * beat].reshape(-1, beat)

    def save(self, path: str | Path) -> None:
        """Writes one file: magic, JSON length, JSON, SHA-256, memory image. Atomic."""
        text = self._json()
        blob = self.image.tobytes()
        digest = bytes.fromhex(_digest(text, blob))
        write_atomically(path, _FILE_MAGIC + len(text).to_bytes(8, "little") + text + digest + blob)

    @classmethod
    def load(cls, path: str | Path) -> Program:
        """Reads and verifies a program file. Raises ContractError on anything but an intact one."""
        try:
            data = Path(path).read_bytes()
        except FileNotFoundError:
            raise ContractError(
                f"{path}: no such program; make one with 'sparsespike compile'"
            ) from None
        remedy = "compile it again"
        if data[:8] != _FILE_MAGIC:
            raise ContractError(f"{path} is not a sparsespike program; {remedy}")
        length = int.from_bytes(data[8:16], "little")
        text, rest = data[16 : 16 + length], data[16 + length :]
        digest, blob = rest[:32], rest[32:]
        if len(digest) != 32 or _digest(text, blob) != digest.hex():
            raise ContractError(f"{path} is truncated or was edited (hash differs); {remedy}")
        return cls._from_json(json.loads(text), np.frombuffer(blob, dtype=np.uint8), path)

    def _json(self) -> bytes:
        content = {
            "version": FORMAT_VERSION,
            "engine": self.engine.model_dump(),
            "network": self.network.model_dump(),
            "network_hash": self.network_hash,
            "pixel_pad": self.pixel_pad.tolist(),
            "layers": [
                {
                    "name": layer.name,
                    "descriptor": vars(layer.descriptor),
                    "slot_channel": layer.slot_channel.tolist(),
                    "tensor_tokens": layer.tensor_tokens,
                    "mapping": layer.mapping.tolist(),
                }
                for layer in self.layers
            ],
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def _from_json(cls, content: dict[str, Any], image: np.ndarray, path: str | Path) -> Program:
        if content.get("version") != FORMAT_VERSION:
            raise ContractError(
                f"{path} has program version {content.get('version')}, this is {FORMAT_VERSION}; "
                "compile it again"
            )
        try:
            engine = EngineConfig(**content["engine"])
            network = NetworkConfig.model_validate_json(json.dumps(content["network"]))
        except ValidationError as error:
            raise ContractError(f"{path}: {error.errors()[0]['msg']}; compile it again") from None
        layers = tuple(
            Layer(
                name=item["name"],
                descriptor=Descriptor(**item["descriptor"]),
                slot_channel=np.array(item["slot_channel"], dtype=np.int64),
                tensor_tokens=item["tensor_tokens"],
                mapping=np.array(item["mapping"], dtype=np.int64).reshape(-1, 3),
            )
            for item in content["layers"]
        )
        return cls(
            engine=engine,
            network=network,
            network_hash=content["network_hash"],
            layers=layers,
            image=image,
            pixel_pad=np.array(content["pixel_pad"], dtype=np.uint8),
        )


def _digest(text: bytes, blob: bytes) -> str:
    return hashlib.sha256(text + blob).hexdigest()
