"""The memories of an engine: how many of each, how wide and how deep."""

from dataclasses import dataclass

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.counters import COUNTERS

_BEAT_CONTROL_BITS = 5
"""Shift, end and half of a beat in a lane's queue."""


@dataclass(frozen=True)
class EngineMemory:
    """`copies` memories of `depth` words; `width` bits a word, in `parts` written one by one.

    Without `registered` it is read in the same cycle, which no block RAM can. A read takes a word,
    or one of the `narrow` equal parts of it.
    """

    block: str
    copies: int
    width: int
    depth: int
    parts: int = 1
    registered: bool = True
    narrow: int = 1


def engine_memories(engine: EngineConfig) -> list[EngineMemory]:
    """All memories but a few small tables that all engines have alike."""
    slots, steps = derived.line_slots(engine), engine.time_steps
    units = slots // derived.unit_slots(engine)
    bus, weights = engine.axi_data_bits, derived.weight_lines(engine)
    masks = 2 * derived.half_words(engine.mask_depth)
    offset = (weights * derived.weights_per_beat(engine)).bit_length()
    head = derived.ceil_div(engine.head_slots, engine.chunk) * engine.chunk
    pitch = derived.lane_pitch(engine)
    counter = engine.max_tokens.bit_length()
    beats = derived.descriptor_beats(engine)
    spikes, counts = slots * steps, slots * steps * engine.count_bits
    lanes, channels = engine.clusters * engine.lanes, engine.lane_channels
    spikes_queued = engine.chunk * steps * engine.digit_bits
    masks_queued = 2 if engine.lane_kind == "matching" else 1
    rows = []
    for block, copies in (("broadcaster", engine.clusters), ("write_back", 1)):
        for width, lines in ((spikes, derived.spike_lines), (counts, derived.count_lines)):
            for depth in derived.memory_parts(lines(engine)):
                rows.append(EngineMemory(block, copies, width, depth, units))
    return [
        *rows,
        EngineMemory("lane", lanes * channels, engine.chunk + offset, masks),
        EngineMemory(
            "lane",
            lanes,
            bus,
            2 * derived.half_words(weights),
            narrow=derived.weights_per_beat(engine),
        ),
        EngineMemory(
            "lane",
            lanes,
            spikes_queued + channels * (masks_queued * engine.chunk + offset) + _BEAT_CONTROL_BITS,
            max(2, engine.fifo_depth),
            registered=False,
        ),
        EngineMemory(
            "tiles",
            engine.clusters,
            derived.record_bits(engine),
            2 * pitch,
            derived.record_beats(engine),
        ),
        EngineMemory("neuron", engine.clusters, engine.membrane_bits, max(2, pitch, head)),
        EngineMemory(
            "attention",
            engine.attention_units,
            head * counter,
            max(2, engine.attention_depth) * derived.step_places(engine),
        ),
        EngineMemory(
            "tokens",
            engine.clusters + 2,
            max(1, (engine.max_tokens - 1).bit_length()),
            max(2, engine.max_tokens),
            registered=False,
        ),
        EngineMemory("front", 1, bus, engine.max_layers * beats),
        EngineMemory(
            "counters", 1, 32, max(2, engine.max_layers) << (len(COUNTERS) - 1).bit_length()
        ),
        EngineMemory("logits", 1, 32, max(2, engine.max_classes)),
    ]
