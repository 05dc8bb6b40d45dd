"""The weight stream decoded: masks, weights and constants of every tile, as arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.unfold import WEIGHTS, Payload, Shape, unfold
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError
from sparsespike.contract.program import TILE_FIELDS, TILE_MAGIC, Program

_CONSTANTS = ("bias", "threshold", "multiplier", "score_weight", "place")
_SIGNED = ("bias", "score_weight")


class TileArrays(NamedTuple):
    """All tiles of a program, in stream order.

    beats: of the packet; steps: cycles for which each beat of the stream keeps the loader, beat
    after beat; masks: flat, tile t's word i of a lane at first_mask[t] + i * lanes[t] + lane;
    weights: the non-zeros of all mask words in that order, and slots: each one's bit in its word;
    those of mask word i are offsets[i] to offsets[i + 1]; constants: (tiles, pitch), zero for lanes
    a tile does not use.
    """

    beats: NDArray[np.int64]
    steps: NDArray[np.int64]
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


class _Packet(NamedTuple):
    """A tile's header, and its constants and weight lines by channel.

    steps: of header and constants, beat by beat.
    """

    head: dict[str, int]
    records: list[dict[str, int]]
    steps: list[int]
    payload: Payload
    weights: NDArray[np.uint8]


def tile_teams(engine: EngineConfig, tiles: int, split: int) -> NDArray[np.int64]:
    """(tiles, 2): first cluster of the team and split that a layer's tiles must name."""
    numbers = np.arange(tiles) % max(1, derived.teams(engine, split))
    return np.stack([numbers, np.full(tiles, split)], axis=1)


def decode_stream(program: Program, teams: NDArray[np.int64]) -> TileArrays:
    """The tiles of `program`; teams: `tile_teams` of all its layers, in stream order.

    Raises ContractError if the stream is not what these descriptors need.
    """
    engine, stream = program.engine, program.weight_stream()
    packets, position = [], 0
    for index, (cluster, split) in enumerate(teams):
        if position >= len(stream):
            raise ContractError(f"weight stream ends before tile {index}; compile it again")
        head = _fields(stream[position], TILE_FIELDS)
        if (
            head["magic"] != TILE_MAGIC
            or (head["cluster"], head["split"]) != (cluster, split)
            or cluster >= derived.teams(engine, split)
            or not (1 <= head["lanes"] <= derived.tile_channels(engine))
            or not (1 <= head["mask_words"] <= engine.mask_depth)
        ):
            raise ContractError(f"weight stream: tile {index} has header {head}; compile it again")
        packets.append(_packet(engine, stream[position:], head))
        position += len(packets[-1].steps) + packets[-1].payload.beats
    if position != len(stream):
        raise ContractError(
            f"weight stream has {len(stream)} beats, its tiles {position}; compile it again"
        )
    return _gather(engine, packets)


def _packet(engine: EngineConfig, stream: NDArray[np.uint8], head: dict[str, int]) -> _Packet:
    """The packet at the beginning of `stream`, whose header is `head`."""
    lanes, fields = head["lanes"], derived.record_fields(engine)
    begin = 1 + derived.constants_beats(engine, lanes)
    size = derived.record_bits(engine) // 8
    data = stream[1:begin].reshape(-1)
    if len(data) < lanes * size:
        raise ContractError("weight stream ends within a tile; compile it again")
    records = [_fields(data[i * size : (i + 1) * size], fields) for i in range(lanes)]
    shape = Shape(
        lines=head["mask_words"] * derived.mask_groups(engine, lanes),
        nibble_beats=head["nibble_beats"],
        weight_beats=sum(record["weight_lines"] for record in records),
        line_nibbles=derived.line_nibbles(engine),
    )
    payload = unfold(engine, stream[begin:], shape)
    if payload.beats < 0:
        raise ContractError("weight stream ends within a tile; compile it again")
    weights = stream[begin : begin + payload.beats][payload.kinds == WEIGHTS]
    return _Packet(head, records, _steps(engine, lanes), payload, weights)


def _steps(engine: EngineConfig, lanes: int) -> list[int]:
    """Cycles for which a tile's header and its constants keep the loader, beat by beat."""
    per_beat = derived.records_per_beat(engine)
    records = [min(per_beat, lanes - first) for first in range(0, lanes, per_beat)]
    return [derived.HEADER_CYCLES] + records * derived.record_beats(engine)


def _gather(engine: EngineConfig, packets: list[_Packet]) -> TileArrays:
    pitch, fields = derived.lane_pitch(engine), derived.record_fields(engine)
    constants = {name: np.zeros((len(packets), pitch), np.int64) for name in fields}
    constants.setdefault("place", np.tile(np.arange(pitch), (len(packets), 1)))
    bits, values, first_mask, steps, words = [], [], [], [], 0
    for tile, packet in enumerate(packets):
        tile_bits, tile_values, line = [], [], 0
        masks = _masks(packet.payload.lines, engine, len(packet.records))
        for lane, (record, mask) in enumerate(zip(packet.records, masks, strict=True)):
            for name, value in record.items():
                constants[name][tile, lane] = _signed(value, fields[name][1], name)
            lines = record["weight_lines"]
            weights = _weights(packet.weights[line : line + lines], engine)
            line += lines
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
        steps += [packet.steps, packet.payload.steps]
    mask = np.concatenate([np.zeros((0, engine.chunk), bool), *bits])
    places = np.left_shift(np.uint64(1), np.arange(engine.chunk, dtype=np.uint64))
    beats = [len(packet.steps) + packet.payload.beats for packet in packets]
    return TileArrays(
        beats=np.array(beats, np.int64),
        steps=np.concatenate([np.zeros(0, np.int64), *steps]),
        lanes=np.array([packet.head["lanes"] for packet in packets], np.int64),
        row=np.array([packet.head["row"] for packet in packets], np.int64),
        first_mask=np.array(first_mask, np.int64),
        masks=(mask * places).sum(axis=1, dtype=np.uint64),
        offsets=np.concatenate([[0], np.cumsum(mask.sum(axis=1))]).astype(np.int64),
        weights=np.concatenate([np.zeros(0, np.int64), *values]),
        slots=places[np.nonzero(mask)[1]],
        **{name: constants[name] for name in _CONSTANTS},
    )


def _fields(data: NDArray[np.uint8], fields: dict[str, tuple[int, int]]) -> dict[str, int]:
    value = int.from_bytes(data.tobytes(), "little")
    return {name: (value >> low) & ((1 << bits) - 1) for name, (low, bits) in fields.items()}


def _signed(value: int, bits: int, name: str) -> int:
    return value - (1 << bits) if name in _SIGNED and value >> (bits - 1) else value


def _masks(lines: NDArray[np.uint8], engine: EngineConfig, lanes: int) -> NDArray[np.bool_]:
    """(lanes, words, chunk) bits of a tile's mask lines, one byte a nibble."""
    groups, side = derived.mask_groups(engine, lanes), derived.mask_lanes(engine)
    bits = np.unpackbits(lines.reshape(-1, 1), axis=1, count=4, bitorder="little").astype(bool)
    words = bits.reshape(-1, groups * side, engine.chunk).transpose(1, 0, 2)
    return np.ascontiguousarray(words[:lanes])


def _weights(data: NDArray[np.uint8], engine: EngineConfig) -> NDArray[np.int64]:
    flat = data.reshape(-1)
    if derived.weight_slot_bits(engine) == 8:
        return flat.view(np.int8).astype(np.int64)
    nibbles = np.stack([flat & 15, flat >> 4], axis=1).reshape(-1).astype(np.int64)
    return nibbles - 16 * (nibbles >= 8)
