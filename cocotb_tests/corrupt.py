"""Program images with one thing wrong, for the tests that must notice it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparsespike.contract import derived
from sparsespike.contract.program import (
    DESCRIPTOR_FIELDS,
    HEADER_FIELDS,
    RECORD_FIELDS,
    TILE_FIELDS,
    Program,
)


@dataclass(frozen=True)
class LanePlace:
    """Bytes of one lane's part of the memory image: constants, weights, its first mask word.

    mask: byte and bit of the word.
    """

    layer: str
    tile: int
    lane: int
    header: int
    record: int
    weights: int
    end: int
    mask: tuple[int, int]


def lane_places(program: Program) -> Iterator[LanePlace]:
    """Every lane of every tile, in stream order."""
    engine, image = program.engine, program.image
    beat = engine.axi_data_bits // 8
    position = program.header["weight_offset"]
    for layer in program.layers:
        for tile in range(layer.descriptor.tiles):
            header = position
            fields = _fields(image[header : header + 8], TILE_FIELDS)
            position += beat
            lanes = []
            for _ in range(fields["lanes"]):
                record = position
                weights = record + derived.record_beats(engine) * beat
                constants = _fields(image[record : record + 16], RECORD_FIELDS)
                position = weights + constants["weight_lines"] * beat
                lanes.append((record, weights, position))
            for lane, places in enumerate(lanes):
                group, side = divmod(lane, derived.mask_lanes(engine))
                byte, bit = divmod(side * engine.chunk, 8)
                mask = (position + group * beat + byte, bit)
                yield LanePlace(layer.name, tile, lane, header, *places, mask)
            position += (
                fields["mask_lines"] * derived.mask_line_beats(engine, fields["lanes"]) * beat
            )


def flip_bit(program: Program, byte: int, bit: int) -> NDArray[np.uint8]:
    """The memory image with one bit inverted."""
    image = program.image.copy()
    image[byte] ^= 1 << bit
    return image


def flip_weight(program: Program, place: LanePlace) -> NDArray[np.uint8]:
    """The second highest bit of the lane's first weight inverted."""
    return flip_bit(program, place.weights, 2 if program.engine.weight_bits == 4 else 6)


def flip_mask(program: Program, place: LanePlace) -> NDArray[np.uint8]:
    """The lowest bit of the lane's first mask word inverted."""
    return flip_bit(program, *place.mask)


def flip_threshold(program: Program, place: LanePlace, bit: int) -> NDArray[np.uint8]:
    """Bit `bit` of the lane's threshold inverted."""
    low = RECORD_FIELDS["threshold"][0] + bit
    return flip_bit(program, place.record + low // 8, low % 8)


def header_byte(field: str) -> int:
    """Byte of the image that holds the lowest bits of a header field."""
    word, low, _ = HEADER_FIELDS[field]
    return 4 * word + low // 8


def descriptor_byte(layer: int, field: str) -> int:
    """Byte of the image that holds the lowest bits of a descriptor's field."""
    word, low, _ = DESCRIPTOR_FIELDS[field]
    return derived.DESCRIPTOR_BYTES * (1 + layer) + 4 * word + low // 8


def with_descriptor_field(
    program: Program, layer: int, field: str, value: int
) -> NDArray[np.uint8]:
    """The image with one descriptor field replaced and the descriptor's checksum mended."""
    image = program.image.copy()
    start = derived.DESCRIPTOR_BYTES * (1 + layer)
    words = image[start : start + derived.DESCRIPTOR_BYTES].view("<u4")
    word, low, bits = DESCRIPTOR_FIELDS[field]
    before = int(words[word])
    after = before & ~(((1 << bits) - 1) << low) | value << low
    words[word] = after
    words[15] = (int(words[15]) + before - after) % (1 << 32)
    return image


def _fields(data: NDArray[np.uint8], fields: dict[str, tuple[int, int]]) -> dict[str, int]:
    value = int.from_bytes(data.tobytes(), "little")
    return {name: value >> low & ((1 << bits) - 1) for name, (low, bits) in fields.items()}
