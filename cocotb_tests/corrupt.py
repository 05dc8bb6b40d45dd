"""Program images with one thing wrong, for the tests that must notice it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.unfold import NIBBLES, WEIGHTS, Payload, Shape, unfold
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import (
    DESCRIPTOR_FIELDS,
    HEADER_FIELDS,
    TILE_FIELDS,
    Program,
)


@dataclass(frozen=True)
class LanePlace:
    """Bytes of one channel's part of the memory image: constants, and beats of weights.

    header: byte of its tile's. mask: byte and bit of its first one in a mask, None if it has none.
    """

    layer: str
    tile: int
    lane: int
    header: int
    record: int
    weights: tuple[int, ...]
    mask: tuple[int, int] | None


def lane_places(program: Program) -> Iterator[LanePlace]:
    """Every channel of every tile, in stream order."""
    engine, image = program.engine, program.image
    beat, size = engine.axi_data_bits // 8, derived.record_bits(engine) // 8
    position = program.header["weight_offset"]
    for layer in program.layers:
        for tile in range(layer.descriptor.tiles):
            header = position
            fields = _fields(image[header : header + 8], TILE_FIELDS)
            records = [header + beat + lane * size for lane in range(fields["lanes"])]
            lines = [_weight_lines(engine, image[first : first + size]) for first in records]
            shape = Shape(
                lines=fields["mask_words"] * derived.mask_groups(engine, fields["lanes"]),
                nibble_beats=fields["nibble_beats"],
                weight_beats=sum(lines),
                line_nibbles=derived.line_nibbles(engine),
            )
            position += (1 + derived.constants_beats(engine, fields["lanes"])) * beat
            payload = unfold(engine, image[position:].reshape(-1, beat), shape)
            places = [position + beat * int(i) for i in np.flatnonzero(payload.kinds == WEIGHTS)]
            masks = _first_ones(engine, payload, position, fields["lanes"])
            for lane, (record, count) in enumerate(zip(records, lines, strict=True)):
                own, places = tuple(places[:count]), places[count:]
                yield LanePlace(layer.name, tile, lane, header, record, own, masks[lane])
            position += payload.beats * beat


def _weight_lines(engine: EngineConfig, record: NDArray[np.uint8]) -> int:
    return _fields(record, derived.record_fields(engine))["weight_lines"]


def _first_ones(
    engine: EngineConfig, payload: Payload, position: int, lanes: int
) -> list[tuple[int, int] | None]:
    """Byte and bit of the first one in each channel's masks."""
    width = derived.beat_nibbles(engine)
    beats = np.flatnonzero(payload.kinds == NIBBLES).tolist()
    found: list[tuple[int, int] | None] = [None] * lanes
    groups = derived.mask_groups(engine, lanes)
    line_bits = derived.line_nibbles(engine) * derived.NIBBLE_BITS
    for number, (line, i) in enumerate(np.argwhere(payload.lines).tolist()):
        nibble = int(payload.lines[line, i])
        for bit in range(derived.NIBBLE_BITS):
            place = (line % groups) * line_bits + i * derived.NIBBLE_BITS + bit
            lane = place // engine.chunk
            if nibble >> bit & 1 and found[lane] is None:
                beat, rest = divmod(number, width)
                byte = position + beats[beat] * width // 2 + rest // 2
                found[lane] = (byte, rest % 2 * derived.NIBBLE_BITS + bit)
    return found


def flip_bit(program: Program, byte: int, bit: int) -> NDArray[np.uint8]:
    """The memory image with one bit inverted."""
    image = program.image.copy()
    image[byte] ^= 1 << bit
    return image


def flip_weight(program: Program, place: LanePlace) -> NDArray[np.uint8]:
    """The second highest bit of the lane's first weight inverted."""
    return flip_bit(program, place.weights[0], 2 if program.engine.weight_bits == 4 else 6)


def flip_mask(program: Program, place: LanePlace) -> NDArray[np.uint8]:
    """The first one of the lane's masks cleared; the image as it is if it has none."""
    return flip_bit(program, *place.mask) if place.mask else program.image


def flip_threshold(program: Program, place: LanePlace, bit: int) -> NDArray[np.uint8]:
    """Bit `bit` of the lane's threshold inverted."""
    low = derived.record_fields(program.engine)["threshold"][0] + bit
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
