"""How a layer is shared out: tiles over teams of clusters, bands of positions within a team.

A tile takes as long as its heaviest lane or its broadcasts, whichever is more. Where a layer has
few tiles, or tiles of very unequal work, its positions are split into bands: the clusters of a team
compute the same tile, each over its own band.
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
_POOL_OPERATIONS = 0.75
"""Write-back operations of a pooled position."""
_SEAM_DISTANCE = 3
"""Write slots between two bands that update the same pooled row."""
_EVENNESS = 32
"""Twice as many bands must save more than 1 / this of the cycles: bands differ in activity."""
_PLANES = 2
"""Planes of a count that are not silent."""


@dataclass(frozen=True, eq=False)
class LayerMapping:
    """Attributes: split: log2 of the bands; stream: the row of each tile, in stream order."""

    split: int
    stream: NDArray[np.int64]


def band_size(total: int, split: int) -> int | None:
    """Positions (or rows) of every band but the last; None if one would be left empty."""
    size = derived.ceil_div(total, 1 << split)
    return size if ((1 << split) - 1) * size < total else None


def band_positions(flow: Flow, split: int) -> int | None:
    """Positions of every band but the last: whole rows of a convolution; None as `band_size`."""
    if flow.kind != "conv":
        return band_size(flow.tokens, split)
    rows = band_size(flow.size, split)
    return rows and rows * flow.size


def map_layer(
    engine: EngineConfig,
    flow: Flow,
    *,
    heaviest: NDArray[np.int64],
    mask_words: int,
    bands: int | None = None,
) -> LayerMapping:
    """The mapping with the least expected cycles. heaviest: weights of each row's heaviest lane.

    bands: take this many instead. Raises ContractError if the layer cannot have them.
    """
    least = tile_cycles(engine, flow, mask_words)
    cost = np.maximum(lane_cycles(engine, flow, heaviest), least)
    choices = possible_splits(engine, flow)
    if bands is not None:
        choices = [split for split in choices if 1 << split == bands]
        if not choices:
            raise ContractError(
                f"layer {flow.name}: cannot be split into {bands} bands; leave the choice open"
            )
    options = []
    for split in choices:
        teams = derived.teams(engine, split)
        stream = deal_tiles(cost, teams)
        load = max(int(cost[stream[team::teams]].sum()) for team in range(teams))
        cycles = load * (band_positions(flow, split) or 0)
        options.append((cycles * (_EVENNESS + split), split, stream))
    _, split, stream = min(options, key=lambda option: option[:2])
    return LayerMapping(split, stream)


def possible_splits(engine: EngineConfig, flow: Flow) -> list[int]:
    """log2 of the numbers of bands that a layer can have."""
    return [split for split in range(derived.MAX_SPLIT + 1) if _possible(engine, flow, split)]


def _possible(engine: EngineConfig, flow: Flow, split: int) -> bool:
    if split == 0:
        return True
    if not derived.teams(engine, split):
        return False
    if flow.pool:
        rows = band_size(flow.size, split) or 1
        return rows % 2 == 0 and derived.teams(engine, split) >= _SEAM_DISTANCE
    return band_positions(flow, split) is not None


def lane_cycles(engine: EngineConfig, flow: Flow, weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """Expected cycles of lanes with so many non-zero weights for one position, in sixteenths."""
    planes = min(_PLANES, flow.input_max) if flow.source_counts else 1
    rate = derived.pixel_passes(engine) if flow.pixel else _MATCH_RATE * planes
    cycles: NDArray[np.int64] = (16 * rate * weights).astype(np.int64)
    return cycles


def tile_cycles(engine: EngineConfig, flow: Flow, mask_words: int) -> int:
    """Cycles of any tile for one position: broadcasts, writes or takes, in sixteenths."""
    planes = min(_PLANES, flow.input_max) if flow.source_counts else 1
    beats = mask_words * (derived.pixel_passes(engine) if flow.pixel else planes)
    writes = derived.write_slots(engine) * (_POOL_OPERATIONS if flow.pool else 1)
    return int(16 * max(beats, writes, engine.lanes))
