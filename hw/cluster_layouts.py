"""Shapes that travel inside a cluster."""

from __future__ import annotations

from amaranth.hdl import signed, unsigned
from amaranth.lib import data

from hw.layouts import offset_bits
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig

SHIFT_BITS = 3
"""A beat's shift: the lowest bit of a count's digit (up to 5) or a bit of a pixel (up to 7)."""


def word_address_bits(engine: EngineConfig) -> int:
    """Bits of a word address of the deeper activation memory."""
    lines = max(derived.spike_lines(engine), derived.count_lines(engine))
    return (lines * derived.words_per_line(engine) - 1).bit_length()


def mask_index_bits(engine: EngineConfig) -> int:
    """Bits of a mask word's index inside a lane's half."""
    return max(1, (engine.mask_depth - 1).bit_length())


def scan_layout(engine: EngineConfig) -> data.StructLayout:
    """One word to read.

    `position` is the stored token, `chunk` the word within its group (pixel: the pass), both as far
    as they matter to an address; `outside` marks a neighbour beyond the image, `last` the end of a
    walk, `final` the layer's last scan; `half` is that of the tile.
    """
    bits = word_address_bits(engine)
    return data.StructLayout(
        {
            "position": unsigned(bits),
            "group": range(max(2, derived.most_groups(engine))),
            "chunk": unsigned(bits),
            "neighbour": range(9),
            "outside": unsigned(1),
            "last": unsigned(1),
            "final": unsigned(1),
            "half": unsigned(1),
        }
    )


def mark_layout(engine: EngineConfig) -> data.StructLayout:
    """What goes with a word read: its mask word's index, a pixel's shift, and the scan's flags."""
    return data.StructLayout(
        {
            "mask": unsigned(mask_index_bits(engine)),
            "shift": unsigned(SHIFT_BITS),
            "outside": unsigned(1),
            "last": unsigned(1),
            "final": unsigned(1),
            "half": unsigned(1),
        }
    )


def mask_layout(engine: EngineConfig) -> data.StructLayout:
    """A lane's mask word and the number of its weights before this word."""
    offset = unsigned(offset_bits(engine))
    return data.StructLayout({"mask": unsigned(engine.chunk), "offset": offset})


def digit_vectors(engine: EngineConfig) -> data.ArrayLayout:
    """One digit per slot and step: vectors of slots, a step's low bits first."""
    return data.ArrayLayout(unsigned(engine.chunk), engine.time_steps * engine.digit_bits)


def beat_layout(engine: EngineConfig) -> data.StructLayout:
    """What a broadcast beat tells every lane: digits (spikes), shift, end of walk."""
    return data.StructLayout(
        {
            "spikes": digit_vectors(engine),
            "shift": unsigned(SHIFT_BITS),
            "last": unsigned(1),
            "half": unsigned(1),
        }
    )


def match_layout(engine: EngineConfig) -> data.StructLayout:
    """What a beat is to one channel: the slots to issue, the mask, the number of weights before.

    A serial lane issues the whole mask, if it has a match, and needs it but once.
    """
    match, offset = unsigned(engine.chunk), unsigned(offset_bits(engine))
    if engine.lane_kind == "serial":
        return data.StructLayout({"match": match, "offset": offset})
    return data.StructLayout({"match": match, "mask": match, "offset": offset})


def entry_layout(engine: EngineConfig) -> data.StructLayout:
    """A beat in a lane's queue, and what it is to each of the lane's channels."""
    words = data.ArrayLayout(match_layout(engine), engine.lane_channels)
    return data.StructLayout({"beat": beat_layout(engine), "words": words})


def sums_layout(engine: EngineConfig) -> data.ArrayLayout:
    """One signed accumulator per step."""
    return data.ArrayLayout(signed(engine.accumulator_bits), engine.time_steps)


def lane_sums_layout(engine: EngineConfig) -> data.ArrayLayout:
    """The sums of each channel of a lane."""
    return data.ArrayLayout(sums_layout(engine), engine.lane_channels)


def lane_masks_layout(engine: EngineConfig) -> data.ArrayLayout:
    """The mask words of each channel of a lane."""
    return data.ArrayLayout(mask_layout(engine), engine.lane_channels)


def lane_events_layout(engine: EngineConfig) -> data.StructLayout:
    """What a lane did in this cycle, for the counters."""
    return data.StructLayout(
        {
            "push": unsigned(1),
            "match": unsigned(1),
            "additions": range(engine.time_steps + 1),
            "output_stall": unsigned(1),
        }
    )


def head_slots(engine: EngineConfig) -> int:
    """Slots an attention unit keeps: `EngineConfig.head_slots` in whole words."""
    return derived.ceil_div(engine.head_slots, engine.chunk) * engine.chunk


def counter_rows(engine: EngineConfig) -> int:
    """Counter rows of an attention unit: one for a key slot and step, of all groups."""
    return max(2, engine.attention_depth) * derived.step_places(engine)


def neuron_slots(engine: EngineConfig) -> int:
    """Channels a neuron unit keeps a membrane for: lanes, or slots of an attention head."""
    return max(2, derived.lane_pitch(engine), head_slots(engine))


def row_place_layout(engine: EngineConfig) -> data.StructLayout:
    """Where a row belongs (see layouts.row_layout); `final` marks the layer's last row."""
    return data.StructLayout(
        {
            "position": unsigned(16),
            "y": unsigned(16),
            "x": unsigned(16),
            "group": unsigned(8),
            "row": unsigned(16),
            "lane": range(max(2, derived.tile_channels(engine))),
            "twice": unsigned(1),
            "final": unsigned(1),
        }
    )


def merge_layout(engine: EngineConfig) -> data.StructLayout:
    """Where a row stands in its map's row: at x = 0, at an odd x, its group; it is stored."""
    return data.StructLayout(
        {
            "stored": unsigned(1),
            "begins": unsigned(1),
            "odd": unsigned(1),
            "group": range(max(2, derived.most_groups(engine))),
        }
    )


def take_layout(engine: EngineConfig) -> data.StructLayout:
    """A take: its slot, the steps that count, whether P starts at 0, whether it ends its row.

    `merge` is that of the row.
    """
    return data.StructLayout(
        {
            "slot": range(neuron_slots(engine)),
            "steps": unsigned(engine.time_steps),
            "fresh": unsigned(1),
            "complete": unsigned(1),
            "merge": merge_layout(engine),
        }
    )


def broadcast_events_layout(engine: EngineConfig) -> data.StructLayout:
    """What a broadcaster did in this cycle, for the counters."""
    names = ("scan", "skip", "beat", "stall", "idle")
    return data.StructLayout(
        {
            "mask_words": range(derived.tile_channels(engine) + 1),
            **{name: unsigned(1) for name in names},
        }
    )
