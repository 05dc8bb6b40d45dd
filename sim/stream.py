"""The weight stream decoded: masks, weights and constants of every tile, as arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError
from sparsespike.contract.program import RECORD_FIELDS, TILE_FIELDS, TILE_MAGIC, Program

_SIGNED = ("bias", "score_weight", "threshold")


class TileArrays(NamedTuple):
    """All tiles of a program, in stream order.

    beats: of the packet; mask_beats: those of masks, its last ones; masks: flat, tile t's word i of
    a lane at first_mask[t] + i * lanes[t] + lane; weights: the non-zeros of all mask words in that
    order, and slots: each one's bit in its word; those of mask word i are offsets[i] to
    offsets[i + 1]; constants: (tiles, pitch), zero for lanes a tile does not use.
    """

    beats: NDArray[np.int64]
    mask_beats: NDArray[np.int64]
    lanes: NDArray[np.int64]
    row: NDArray[np.int64]
    first_mask: NDArray[np.int64]
    masks: NDArray[np.uint64]
    offsets: NDArray[np.int64]
    weights: NDArray[np.int64]
    slots: NDArray[np.uint64]
    bias: NDArray[np.int64]
    threshold: NDArray[np.int64]
    multiplier: NDArray[np.int64]
    score_weight: NDArray[np.int64]
    place: NDArray[np.int64]


class _Lane(NamedTuple):
    """Where one lane's part of a packet stands, in beats."""

    record: int
    weights: int
    end: int


def tile_teams(engine: EngineConfig, tiles: int, split: int) -> NDArray[np.int64]:
    """(tiles, 2): first cluster of the team and split that a layer's tiles must name."""
    numbers = np.arange(tiles) % max(1, derived.teams(engine, split))
    return np.stack([numbers, np.full(tiles, split)], axis=1)


def decode_stream(program: Program, teams: NDArray[np.int64]) -> TileArrays:
    """The tiles of `program`; teams: `tile_teams` of all its layers, in stream order.

    Raises ContractError if the stream is not what these descriptors need.
    """
    engine, stream = program.engine, program.weight_stream()
    heads, parts, position = [], [], 0
    for index, (cluster, split) in enumerate(teams):
        if position >= len(stream):
            raise ContractError(f"weight stream ends before tile {index}; compile it again")
        head = _fields(stream[position], TILE_FIELDS)
        if (
            head["magic"] != TILE_MAGIC
            or (head["cluster"], head["split"]) != (cluster, split)
            or cluster >= derived.teams(engine, split)
            or not (1 <= head["lanes"] <= derived.tile_channels(engine))
        ):
            raise ContractError(f"weight stream: tile {index} has header {head}; compile it again")
        lanes = _lanes(engine, stream, position + 1, head["lanes"])
        masks = head["mask_lines"] * derived.mask_line_beats(engine, head["lanes"])
        end = lanes[-1].end + masks
        if end > len(stream):
            raise ContractError("weight stream ends within a tile; compile it again")
        heads.append({**head, "beats": end - position, "mask_beats": masks})
        parts.append(lanes)
        position = end
    if position != len(stream):
        raise ContractError(
            f"weight stream has {len(stream)} beats, its tiles {position}; compile it again"
        )
    return _gather(engine, stream, heads, parts)


def _lanes(
    engine: EngineConfig, stream: NDArray[np.uint8], position: int, lanes: int
) -> list[_Lane]:
    found = []
    records = derived.record_beats(engine)
    for _ in range(lanes):
        record = stream[position : position + records].reshape(-1)
        weights = position + records
        end = weights + (_fields(record, RECORD_FIELDS)["weight_lines"] if len(record) == 16 else 0)
        if end > len(stream):
            raise ContractError("weight stream ends within a tile; compile it again")
        found.append(_Lane(position, weights, end))
        position = end
    return found


def _gather(
    engine: EngineConfig,
    stream: NDArray[np.uint8],
    heads: list[dict[str, int]],
    parts: list[list[_Lane]],
) -> TileArrays:
    pitch = derived.lane_pitch(engine)
    constants = {name: np.zeros((len(heads), pitch), np.int64) for name in RECORD_FIELDS}
    bits, values, first_mask, words = [], [], [], 0
    for tile, lanes in enumerate(parts):
        tile_bits, tile_values = [], []
        end = lanes[-1].end
        masks = _masks(stream[end : end + heads[tile]["mask_beats"]], engine, len(lanes))
        for lane, (part, mask) in enumerate(zip(lanes, masks, strict=True)):
            record = _fields(stream[part.record : part.weights].reshape(-1), RECORD_FIELDS)
            for name, value in record.items():
                constants[name][tile, lane] = _signed(value, RECORD_FIELDS[name][1], name)
            weights = _weights(stream[part.weights : part.end], engine)
            if mask.sum() > len(weights):
                raise ContractError(
                    f"weight stream: tile {tile} lane {lane} lacks weights; compile it again"
                )
            dense = np.zeros(mask.shape, np.int64)
            dense[mask] = weights[: mask.sum()]
            tile_bits.append(mask)
            tile_values.append(dense)
        stacked = np.stack(tile_bits, axis=1)
        first_mask.append(words)
        words += stacked.shape[0] * stacked.shape[1]
        bits.append(stacked.reshape(-1, engine.chunk))
        values.append(np.stack(tile_values, axis=1)[stacked])
    mask = np.concatenate([np.zeros((0, engine.chunk), bool), *bits])
    places = np.left_shift(np.uint64(1), np.arange(engine.chunk, dtype=np.uint64))
    return TileArrays(
        beats=np.array([head["beats"] for head in heads], np.int64),
        mask_beats=np.array([head["mask_beats"] for head in heads], np.int64),
        lanes=np.array([head["lanes"] for head in heads], np.int64),
        row=np.array([head["row"] for head in heads], np.int64),
        first_mask=np.array(first_mask, np.int64),
        masks=(mask * places).sum(axis=1, dtype=np.uint64),
        offsets=np.concatenate([[0], np.cumsum(mask.sum(axis=1))]).astype(np.int64),
        weights=np.concatenate([np.zeros(0, np.int64), *values]),
        slots=places[np.nonzero(mask)[1]],
        **{name: constants[name] for name in ("bias", "threshold", "multiplier", "score_weight", "place")},
    )


def _fields(data: NDArray[np.uint8], fields: dict[str, tuple[int, int]]) -> dict[str, int]:
    value = int.from_bytes(data.tobytes(), "little")
    return {name: (value >> low) & ((1 << bits) - 1) for name, (low, bits) in fields.items()}


def _signed(value: int, bits: int, name: str) -> int:
    return value - (1 << bits) if name in _SIGNED and value >> (bits - 1) else value


def _masks(data: NDArray[np.uint8], engine: EngineConfig, lanes: int) -> NDArray[np.bool_]:
    """(lanes, words, chunk) bits of a tile's mask beats."""
    bits = np.unpackbits(data.reshape(-1), bitorder="little").astype(bool)
    groups, side = derived.mask_line_beats(engine, lanes), derived.mask_lanes(engine)
    lines = bits.reshape(-1, groups, derived.words_per_mask_line(engine), side, engine.chunk)
    words = lines.transpose(1, 3, 0, 2, 4).reshape(groups * side, -1, engine.chunk)
    return np.ascontiguousarray(words[:lanes])


def _weights(data: NDArray[np.uint8], engine: EngineConfig) -> NDArray[np.int64]:
    flat = data.reshape(-1)
    if derived.weight_slot_bits(engine) == 8:
        return flat.view(np.int8).astype(np.int64)
    nibbles = np.stack([flat & 15, flat >> 4], axis=1).reshape(-1).astype(np.int64)
    return nibbles - 16 * (nibbles >= 8)
