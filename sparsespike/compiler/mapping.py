"""How a layer is shared out: tiles over teams of clusters, bands of positions within a team.

A tile takes as long as its heaviest lane or its broadcasts, whichever is more. Where a layer has
few tiles, or tiles of very unequal work, its positions are split into bands: the clusters of a team
compute the same tile, each over its own band. Bands are interleaved, so that they fire alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparsespike.compiler.dataflow import Flow
from sparsespike.compiler.order import deal_tiles
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError

_MATCH_RATE = 0.35
"""Share of non-zero weights that meet a non-silent input of spikes, where nothing is known."""
_BROADCAST_RATE = 0.6
"""Broadcasts of a word that is walked: some are silent, some meet no weight of the tile."""
_POOL_OPERATIONS = 0.75
"""Write-back operations of a pooled position."""
_SEAM_DISTANCE = 3
"""Write slots between two bands that update the same pooled row."""
_EVENNESS = 64
"""Twice as many bands must save more than 1 / this of the cycles: bands differ in activity."""
_PLANES = 2
"""Lowest bits of a count that are not silent."""


@dataclass(frozen=True, eq=False)
class LayerMapping:
    """Attributes: split: log2 of the bands; stream: the row of each tile, in stream order."""

    split: int
    stream: NDArray[np.int64]


def band_positions(flow: Flow, split: int) -> int:
    """Positions of the longest band: whole rows of a convolution."""
    return derived.ceil_div(flow.tokens // flow.size, 1 << split) * flow.size


def map_layer(
    engine: EngineConfig,
    flow: Flow,
    *,
    heaviest: NDArray[np.int64],
    mask_words: int,
    bands: int | None = None,
) -> LayerMapping:
    """The mapping with the least expected cycles. heaviest: those of each row's heaviest lane.

    bands: take this many instead. Raises ContractError if the layer cannot have them.
    """
    least = tile_cycles(engine, flow, mask_words)
    cost = np.maximum(heaviest, least)
    choices = possible_splits(engine, flow)
    if bands is not None:
        possible = ", ".join(str(1 << split) for split in choices)
        choices = [split for split in choices if 1 << split == bands]
        if not choices:
            raise ContractError(
                f"layer {flow.name}: cannot be split into {bands} bands; use one of {possible}"
            )
    options = []
    for split in choices:
        teams = derived.teams(engine, split)
        stream = deal_tiles(cost, teams)
        load = max(int(cost[stream[team::teams]].sum()) for team in range(teams))
        cycles = load * band_positions(flow, split) + _clear_cycles(engine, flow, len(cost), split)
        options.append((cycles * (_EVENNESS + split), split, stream))
    _, split, stream = min(options, key=lambda option: option[:2])
    return LayerMapping(split, stream)


def _clear_cycles(engine: EngineConfig, flow: Flow, rows: int, split: int) -> int:
    """Cycles that clear a pooled map of so many rows for a position, in sixteenths."""
    lines = derived.ceil_div(rows, derived.rows_per_line(engine))
    return 16 * flow.stored * lines if flow.pool and split else 0


def possible_splits(engine: EngineConfig, flow: Flow) -> list[int]:
    """log2 of the numbers of bands that a layer can have."""
    return [split for split in range(derived.MAX_SPLIT + 1) if _possible(engine, flow, split)]


def _possible(engine: EngineConfig, flow: Flow, split: int) -> bool:
    least = _SEAM_DISTANCE if flow.pool and split else 1
    return flow.tokens // flow.size >= 1 << split and derived.teams(engine, split) >= least


def channel_cycles(
    engine: EngineConfig,
    flow: Flow,
    weight: NDArray[np.integer],
    activity: NDArray[np.float64] | None,
) -> NDArray[np.int64]:
    """Expected cycles of a lane for each output channel and one position, in sixteenths.

    weight: (out, in, ...); activity: (in,) matches that a non-zero weight meets at a position, as
    profiled; None: the same for all inputs.
    """
    count = np.count_nonzero(weight.reshape(*weight.shape[:2], -1), axis=2)
    if activity is None:
        rate = derived.pixel_passes(engine) if flow.pixel else _MATCH_RATE * _digits(engine, flow)
        activity = np.full(weight.shape[1], rate)
    cycles: NDArray[np.int64] = (16 * (count @ activity)).astype(np.int64)
    return cycles


def _digits(engine: EngineConfig, flow: Flow) -> int:
    """Digits of an input that are not silent."""
    planes = min(_PLANES, flow.input_max) if flow.source_counts else 1
    return derived.ceil_div(planes, engine.digit_bits)


def tile_cycles(engine: EngineConfig, flow: Flow, mask_words: int) -> int:
    """Cycles of any tile for one position: broadcasts, writes or takes, in sixteenths."""
    beats = _BROADCAST_RATE * mask_words * (derived.pixel_passes(engine) if flow.pixel else 1)
    writes = derived.write_slots(engine) * (_POOL_OPERATIONS if flow.pool else 1)
    return int(16 * max(beats, writes, derived.tile_channels(engine)))
