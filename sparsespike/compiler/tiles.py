"""A layer's tiles: which channels, which stored row, in which order of the weight stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparsespike.compiler.dataflow import Flow
from sparsespike.compiler.mapping import map_layer
from sparsespike.compiler.order import group_channels, lane_loads
from sparsespike.compiler.storage import Storage
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import Output


@dataclass(frozen=True, eq=False)
class Tile:
    """Output channels (lane by lane) that a team of clusters computes at a time.

    Attributes:
        cluster: first of the team; split: log2 of its clusters, one for each band of positions.
        channels: -1 is a silent lane.
        places: of the channels in the stored row.
    """

    cluster: int
    split: int
    row: int
    channels: NDArray[np.int64]
    places: NDArray[np.int64]


def layer_tiles(
    engine: EngineConfig,
    flow: Flow,
    storage: Storage | None,
    cycles: NDArray[np.int64],
    *,
    mask_words: int,
    bands: int | None = None,
) -> tuple[int, list[Tile]]:
    """The split of the layer (log2 of its bands) and its tiles in stream order.

    storage: that of the layer's output, None for selectors and the head. cycles: (out,)
    `channel_cycles`. A stored row without channels gets a tile with one silent lane, so that the
    row is written. bands: as many as this, instead of the best choice.
    """
    rows = storage.rows if storage is not None else _free_rows(engine, flow, cycles)
    places = [_lane_order(engine, flow, cycles[row]) for row in rows]
    loads = [
        lane_loads(cycles, row[order], engine.lanes)
        for row, order in zip(rows, places, strict=True)
    ]
    heaviest = np.array([load.max(initial=0) for load in loads])
    mapping = map_layer(engine, flow, heaviest=heaviest, mask_words=mask_words, bands=bands)
    teams = derived.teams(engine, mapping.split)
    silent = np.full(1, -1, np.int64), np.zeros(1, np.int64)
    return mapping.split, [
        Tile(
            place % teams,
            mapping.split,
            int(row),
            *((rows[row][places[row]], places[row]) if rows[row].size else silent),
        )
        for place, row in enumerate(mapping.stream)
    ]


def _lane_order(engine: EngineConfig, flow: Flow, cycles: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of a row in the order of its tile: lane by lane, then the lanes' second channels.

    The order of a stored row is that of all its writers; which of its channels share a lane is not.
    """
    if flow.target is None or engine.lane_channels == 1:
        return np.arange(len(cycles))
    return group_channels(cycles, 1, engine.lanes)[0]


def _free_rows(
    engine: EngineConfig, flow: Flow, cycles: NDArray[np.int64]
) -> tuple[NDArray[np.int64], ...]:
    """Rows of a layer that stores none: the head's are in the order of classes."""
    channels, size = len(cycles), derived.tile_channels(engine)
    if flow.output == Output.HEAD:
        starts = range(0, channels, size)
        return tuple(np.arange(s, min(s + size, channels)) for s in starts)
    return tuple(group_channels(cycles, derived.ceil_div(channels, size), engine.lanes))
