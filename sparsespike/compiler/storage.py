"""How a tensor's channels lie in its stored rows.

Rows are filled evenly, and as many as the line asks for: every slot that a consumer walks is
written in each frame, so that neither results nor cycles depend on what lay there before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparsespike.compiler.order import group_channels
from sparsespike.compiler.share_rows import share_rows
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


@dataclass(frozen=True, eq=False)
class Storage:
    """Channel order of one tensor.

    Attributes:
        rows: output channels of each stored row, lane by lane.
        slot_channel: (rows * pitch,) channel of each slot, -1 where none.
        words: chunk words stored per token and step group.
        chunks: words that hold a channel, counted from the first: what a consumer walks.
    """

    rows: tuple[NDArray[np.int64], ...]
    slot_channel: NDArray[np.int64]
    words: int
    chunks: int


def plain_storage(engine: EngineConfig, work: NDArray[np.int64]) -> Storage:
    """Storage of a tensor of len(work) channels; work: expected additions of each."""
    rows = _line_rows(engine, derived.ceil_div(len(work), derived.tile_channels(engine)))
    return _storage(engine, group_channels(work, rows, engine.lanes))


def shared_storage(
    engine: EngineConfig, work: NDArray[np.int64], floor: NDArray[np.int64]
) -> Storage:
    """Storage of a tensor that several layers write, see `share_rows`."""
    rows = _line_rows(engine, derived.ceil_div(len(work), derived.tile_channels(engine)))
    return _storage(engine, share_rows(work, floor, rows, engine.lanes))


def qkv_storage(engine: EngineConfig, work: NDArray[np.int64], floor: int, heads: int) -> Storage:
    """Storage of queries, keys and values, each head by head, each head from a line on.

    work: (3 * dim,) expected cycles of a lane, floor: of a tile, at least. Within a head, query and
    key share one order of their channels.
    """
    query, key, value = work.reshape(3, heads, -1)
    shared = _head_rows(engine, np.stack([query, key], axis=2), floor)
    rows = [*shared * 2, *_head_rows(engine, value[:, :, None], floor)]
    # `_head_rows` numbers channels within its own section of dim channels.
    section = len(rows) // 3
    shifted = [channels + i // section * (len(work) // 3) for i, channels in enumerate(rows)]
    return _storage(engine, shifted)


def attention_storage(engine: EngineConfig, qkv: Storage, dim: int) -> Storage:
    """Storage of the attention's output: slot for slot that of the values."""
    values = qkv.rows[2 * len(qkv.rows) // 3 :]
    return _storage(engine, [channels - 2 * dim for channels in values])


def head_slots(engine: EngineConfig, channels: int) -> int:
    """Slots of an attention head of `channels` channels."""
    rows = _line_rows(engine, derived.ceil_div(channels, derived.tile_channels(engine)))
    return rows * derived.lane_pitch(engine)


def _head_rows(
    engine: EngineConfig, work: NDArray[np.int64], floor: int
) -> list[NDArray[np.int64]]:
    """Rows of all heads, channels numbered over the heads.

    work: (heads, channels of a head, layers that share the order).
    """
    heads, channels, layers = work.shape
    rows = head_slots(engine, channels) // derived.lane_pitch(engine)
    least = np.full(layers, floor)
    return [
        part + head * channels
        for head in range(heads)
        for part in share_rows(work[head], least, rows, engine.lanes)
    ]


def _line_rows(engine: EngineConfig, rows: int) -> int:
    """Rows rounded up to whole lines."""
    per_line = derived.rows_per_line(engine)
    return derived.ceil_div(rows, per_line) * per_line


def _storage(engine: EngineConfig, rows: list[NDArray[np.int64]]) -> Storage:
    pitch = derived.lane_pitch(engine)
    slots = np.full((len(rows), pitch), -1, np.int64)
    for row, channels in zip(slots, rows, strict=True):
        row[: len(channels)] = channels
    flat = slots.reshape(-1)
    return Storage(
        rows=tuple(rows),
        slot_channel=flat,
        words=flat.size // engine.chunk,
        chunks=int(np.flatnonzero(flat >= 0)[-1]) // engine.chunk + 1,
    )
