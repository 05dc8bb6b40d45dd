"""Shapes that travel between the blocks of the engine; field positions come from the contract."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.hdl import signed, unsigned
from amaranth.lib import data, enum

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.program import DESCRIPTOR_FIELDS


class LoadKind(enum.Enum, shape=2):
    """What a beat on the load bus carries."""

    TILE = 0
    RECORD = 1
    WEIGHT = 2


class MemoryKind(enum.Enum, shape=1):
    """Which activation memory a write goes to."""

    SPIKE = 0
    COUNT = 1


def descriptor_layout() -> data.StructLayout:
    """A descriptor's fields, unpacked (see DESCRIPTOR_FIELDS)."""
    fields = DESCRIPTOR_FIELDS.items()
    return data.StructLayout({name: unsigned(bits) for name, (_, _, bits) in fields})


def address_bits(engine: EngineConfig) -> int:
    """Bits of a line address of the deeper activation memory."""
    return max(1, (max(derived.spike_lines(engine), derived.count_lines(engine)) - 1).bit_length())


def write_bus(engine: EngineConfig) -> data.StructLayout:
    """One registered write to all copies of an activation memory.

    `data` is a line of counts (spike writes use one bit per slot and step, from bit 0);
    `enable` has one bit per unit of the line.
    """
    slots = derived.line_slots(engine)
    return data.StructLayout(
        {
            "valid": unsigned(1),
            "memory": MemoryKind,
            "address": unsigned(address_bits(engine)),
            "data": unsigned(slots * engine.time_steps * engine.count_bits),
            "enable": unsigned(slots // derived.unit_slots(engine)),
        }
    )


def offset_bits(engine: EngineConfig) -> int:
    """Bits of a weight offset inside a lane's half of the weight memory (may equal its depth)."""
    return (derived.weight_lines(engine) * derived.weights_per_beat(engine)).bit_length()


def mask_line(engine: EngineConfig) -> data.StructLayout:
    """Mask word `line` of the `derived.mask_lanes` channels from `lane` on, and their offsets."""
    lanes = derived.mask_lanes(engine)
    return data.StructLayout(
        {
            "valid": unsigned(1),
            "lane": range(max(2, derived.tile_channels(engine))),
            "line": unsigned(16),
            "data": unsigned(lanes * engine.chunk),
            "offsets": data.ArrayLayout(offset_bits(engine), lanes),
        }
    )


def load_bus(engine: EngineConfig) -> data.StructLayout:
    """What the weight stream brings, registered, on its way into a cluster's empty half.

    `valid`: TILE starts a tile (`lanes` channels, `row`); RECORD: constants of channel `lane`, or
    their part `line`, from bit 0 on; WEIGHT: line `line` of channel `lane`. `masks` comes beside
    it. `end` marks the cycle of the tile's end.
    """
    return data.StructLayout(
        {
            "valid": unsigned(1),
            "kind": LoadKind,
            "end": unsigned(1),
            "lane": range(max(2, derived.tile_channels(engine))),
            "line": unsigned(16),
            "lanes": range(derived.tile_channels(engine) + 1),
            "row": unsigned(16),
            "data": unsigned(engine.axi_data_bits),
            "masks": mask_line(engine),
        }
    )


def row_layout(engine: EngineConfig) -> data.StructLayout:
    """A finished row in a cluster's row queue.

    `position` counts walked tokens (list position, or raster position of a convolution with its
    `y`, `x`), `row` is the stored row within the token group, `lane` the lane of a HEAD value;
    `twice`: it is pooled and reaches the target below its own as well.
    """
    return data.StructLayout(
        {
            "spikes": unsigned(derived.lane_pitch(engine) * engine.time_steps),
            "value": signed(32),
            "position": unsigned(16),
            "y": unsigned(16),
            "x": unsigned(16),
            "group": unsigned(8),
            "row": unsigned(16),
            "lane": range(max(2, derived.tile_channels(engine))),
            "twice": unsigned(1),
        }
    )


def increments_layout(most: Mapping[str, int]) -> data.StructLayout:
    """Counter increments of one cycle: the most that each of the named counters can count."""
    unknown = set(most) - set(COUNTERS)
    if unknown:
        raise ValueError(f"counters {sorted(unknown)} are not in the contract")
    return data.StructLayout({name: range(value + 1) for name, value in most.items()})


def cluster_increments(engine: EngineConfig) -> data.StructLayout:
    """Counter increments of a cluster: events of its lanes, or its one take, in a cycle."""
    lanes, steps = engine.lanes, engine.time_steps
    most = dict.fromkeys(CLUSTER_COUNTERS, 1)
    for name in ("queue_entries", "weights_read", "lane_output_stalls"):
        most[name] = lanes
    most |= {
        "mask_words_read": derived.tile_channels(engine),
        "additions": lanes * steps,
        "lif_updates": steps,
        "spikes_fired": steps,
    }
    return increments_layout(most)


CLUSTER_COUNTERS = (
    "chunks_scanned",
    "chunks_skipped",
    "chunks_broadcast",
    "mask_words_read",
    "queue_entries",
    "weights_read",
    "additions",
    "lif_updates",
    "spikes_fired",
    "broadcast_stalls",
    "broadcast_idle",
    "lane_output_stalls",
    "row_stalls",
    "attention_words_read",
    "attention_updates",
    "attention_accumulates",
    "selector_updates",
)
"""Counters a cluster drives; the others belong to engine-level blocks."""
