"""Tiles as the weight stream carries them: constants and non-zero weights by lane, then masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparsespike.compiler.tiles import Tile
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError
from sparsespike.contract.program import RECORD_FIELDS, TILE_FIELDS, TILE_MAGIC


@dataclass(frozen=True, eq=False)
class Lanes:
    """Output channels of a layer, packed; the last entry of each is the silent lane.

    Attributes:
        masks: bool (channels + 1, words, chunk); words of whole mask lines.
        weights: uint8 (beats, bytes of a beat) of all channels, one after the other.
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
    per_line = derived.words_per_mask_line(engine)
    padded = derived.ceil_div(words, per_line) * per_line
    masks = np.zeros((out + 1, padded, engine.chunk), np.bool_)
    masks[:, :words] = (flat != 0).reshape(out + 1, words, engine.chunk)
    counts = np.count_nonzero(flat, axis=1)
    beats = -(-counts // derived.weights_per_beat(engine))
    first = np.concatenate([[0], np.cumsum(beats)])
    return Lanes(
        masks=masks,
        weights=_pack_values(engine, flat[flat != 0], counts, first),
        first=first,
    )


def pack_tile(
    engine: EngineConfig, lanes: Lanes, tile: Tile, constants: Sequence[dict[str, int]]
) -> bytes:
    """One tile's packet. constants: `RECORD_FIELDS` of each channel, weight_lines and place apart."""
    beat = engine.axi_data_bits // 8
    fields = {
        "magic": TILE_MAGIC,
        "cluster": tile.cluster,
        "mask_lines": lanes.masks.shape[1] // derived.words_per_mask_line(engine),
        "lanes": len(tile.channels),
        "row": tile.row,
        "split": tile.split,
    }
    parts = [_pack_bits(fields, TILE_FIELDS).to_bytes(beat, "little")]
    for channel, place in zip(tile.channels.tolist(), tile.places.tolist(), strict=True):
        begin, end = lanes.first[:-1][channel], lanes.first[1:][channel]
        record = constants[channel] | {"weight_lines": int(end - begin), "place": place}
        parts.append(_pack_bits(record, RECORD_FIELDS).to_bytes(derived.RECORD_BITS // 8, "little"))
        parts.append(lanes.weights[begin:end].tobytes())
    parts.append(_pack_masks(engine, lanes.masks[tile.channels]))
    return b"".join(parts)


def _pack_masks(engine: EngineConfig, masks: NDArray[np.bool_]) -> bytes:
    """Mask lines of a tile's lanes, (lanes, words, chunk) bool, beat by beat."""
    lanes, words, chunk = masks.shape
    side, per_line = derived.mask_lanes(engine), derived.words_per_mask_line(engine)
    groups = derived.mask_line_beats(engine, lanes)
    padded = np.zeros((groups * side, words, chunk), np.bool_)
    padded[:lanes] = masks
    lines = padded.reshape(groups, side, words // per_line, per_line, chunk)
    bits = lines.transpose(2, 0, 3, 1, 4).reshape(-1)
    return np.packbits(bits, bitorder="little").tobytes()


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
