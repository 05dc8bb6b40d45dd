"""Tiles as the weight stream carries them: constants, then weights and masks side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparsespike.compiler.mask_code import Beat, beat_order, code_masks
from sparsespike.compiler.tiles import Tile
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError
from sparsespike.contract.program import TILE_FIELDS, TILE_MAGIC


@dataclass(frozen=True, eq=False)
class Lanes:
    """Output channels of a layer, packed; the last entry of each is the silent lane.

    Attributes:
        masks: bool (channels + 1, words, chunk).
        weights: uint8 (beats, bytes of a beat) of all channels, one after the other; each has a
            beat at least.
        first: (channels + 2,) first beat of each channel in `weights`, and their number.
    """

    masks: NDArray[np.bool_]
    weights: NDArray[np.uint8]
    first: NDArray[np.int64]


def spread_weights(
    engine: EngineConfig, weight: NDArray[np.int8], slots: NDArray[np.int64]
) -> NDArray[np.int8]:
    """int8 (out, mask words, chunk): weights where the source's slots put their channels.

    weight: (out, in) or (out, in, 3, 3); slots: (words * chunk,) input channel or -1.
    """
    out, channels = weight.shape[:2]
    by_neighbour = weight.reshape(out, channels, -1).transpose(0, 2, 1)
    padded = np.concatenate([by_neighbour, np.zeros_like(by_neighbour[:, :, :1])], axis=2)
    return np.ascontiguousarray(padded[:, :, slots]).reshape(out, -1, engine.chunk)


def pack_lanes(engine: EngineConfig, weights: NDArray[np.int8]) -> Lanes:
    """Packs `spread_weights`; a silent lane is appended."""
    out, words, _ = weights.shape
    flat = np.zeros((out + 1, words * engine.chunk), np.int8)
    flat[:out] = weights.reshape(out, -1)
    masks = (flat != 0).reshape(out + 1, words, engine.chunk)
    counts = np.count_nonzero(flat, axis=1)
    beats = np.maximum(-(-counts // derived.weights_per_beat(engine)), 1)
    first = np.concatenate([[0], np.cumsum(beats)])
    return Lanes(
        masks=masks,
        weights=_pack_values(engine, flat[flat != 0], counts, first),
        first=first,
    )


def pack_tile(
    engine: EngineConfig, lanes: Lanes, tile: Tile, constants: Sequence[dict[str, int]]
) -> bytes:
    """One tile's packet. constants: `derived.record_fields` of each channel, but for weight_lines

    and place.
    """
    width = engine.axi_data_bits // 8
    coded = code_masks(engine, lanes.masks[tile.channels])
    spans = [(lanes.first[:-1][c], lanes.first[1:][c]) for c in tile.channels.tolist()]
    fields = {
        "magic": TILE_MAGIC,
        "cluster": tile.cluster,
        "mask_words": lanes.masks.shape[1],
        "lanes": len(tile.channels),
        "row": tile.row,
        "split": tile.split,
        "nibble_beats": len(coded.nibbles),
    }
    records = [constants[channel] for channel in tile.channels.tolist()]
    for index, (begin, end) in enumerate(spans):
        records[index] = records[index] | {"weight_lines": int(end - begin)}
        if engine.lane_channels > 1:
            records[index]["place"] = int(tile.places[index])
    weights = np.concatenate([lanes.weights[begin:end] for begin, end in spans])
    order = beat_order(
        engine, coded.needs, nibble_beats=len(coded.nibbles), weight_beats=len(weights)
    )
    return b"".join(
        (
            _pack_bits(fields, TILE_FIELDS).to_bytes(width, "little"),
            _pack_records(engine, records),
            _in_order(order, (coded.presence, coded.nibbles, weights)).tobytes(),
        )
    )


def _pack_records(engine: EngineConfig, records: Sequence[dict[str, int]]) -> bytes:
    """Constants of a tile's channels, whole beats."""
    fields, size = derived.record_fields(engine), derived.record_bits(engine) // 8
    data = b"".join(_pack_bits(record, fields).to_bytes(size, "little") for record in records)
    beats = derived.constants_beats(engine, len(records))
    return data.ljust(beats * engine.axi_data_bits // 8, b"\0")


def _in_order(order: Sequence[Beat], parts: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Beats of the parts, those of each kind in turn."""
    kinds = np.array(order, np.int64)
    places = np.zeros(len(kinds), np.int64)
    start = 0
    for kind, part in enumerate(parts):
        own = kinds == kind
        places[own] = start + np.arange(len(part))
        start += len(part)
    return np.concatenate(parts)[places]


def _pack_values(
    engine: EngineConfig,
    values: NDArray[np.int8],
    counts: NDArray[np.int64],
    first: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """uint8 (beats, bytes of a beat): each channel's values from its first beat on."""
    per_beat = derived.weights_per_beat(engine)
    starts = np.cumsum(counts) - counts
    place = np.repeat(first[:-1] * per_beat - starts, counts) + np.arange(len(values))
    slots = np.zeros(int(first[-1]) * per_beat, np.uint8)
    slots[place] = values.view(np.uint8)
    if derived.weight_slot_bits(engine) == 4:
        slots = np.bitwise_or(slots[0::2] & 15, slots[1::2] << 4, dtype=np.uint8)
    return slots.reshape(-1, engine.axi_data_bits // 8)


def _pack_bits(values: dict[str, int], fields: dict[str, tuple[int, int]]) -> int:
    """One little-endian number of named fields; negative values as two's complement."""
    word = 0
    for name, value in values.items():
        low, bits = fields[name]
        if not -(1 << (bits - 1)) <= value < 1 << bits:
            raise ContractError(f"tile field {name} = {value} does not fit {bits} bits; "
                                "use a smaller network")  # fmt: skip
        word |= (value & ((1 << bits) - 1)) << low
    return word
