"""How many register and memory bits an engine has: what its clock and its leakage are paid for."""

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


def memory_bits(engine: EngineConfig) -> int:
    """Bits of the large memories: activations, tiles, K^T V counters.

    Activations are stored once for each cluster and once for the write-back unit. Queues and small
    tables are left out.
    """
    slots, steps = derived.line_slots(engine), engine.time_steps
    spikes = derived.spike_lines(engine) * slots * steps
    counts = derived.count_lines(engine) * slots * steps * engine.count_bits
    weights = derived.half_words(derived.weight_lines(engine)) * engine.axi_data_bits
    mask = engine.chunk + engine.weight_depth.bit_length()
    masks = engine.lane_channels * derived.half_words(derived.mask_words(engine)) * mask
    lane = 2 * (weights + masks)
    rows = engine.attention_depth * derived.step_places(engine)
    attention = rows * engine.head_slots * engine.max_tokens.bit_length()
    return (
        (engine.clusters + 1) * (spikes + counts)
        + engine.clusters * engine.lanes * lane
        + engine.attention_units * attention
    )


def register_bits(engine: EngineConfig) -> int:
    """Flip-flops of the engine, by a rule fitted to its netlists.

    A lane holds accumulators and sums for every step, a queue entry, and its control; a cluster
    its pipelines (and an attention unit its sums); the rest reads, writes and counts.
    """
    entry = engine.chunk * (1 + engine.time_steps)
    queued = engine.chunk * (1 + engine.time_steps * engine.digit_bits)
    second = 2 * engine.chunk + engine.weight_depth.bit_length() + 14 * engine.time_steps
    lane = 2 * engine.time_steps * engine.accumulator_bits * engine.lane_channels
    lane += queued + 143 + (engine.lane_channels - 1) * second
    cluster = 500 * engine.time_steps + 5 * entry + 29
    attention = 16 * engine.head_slots * engine.time_steps
    return (
        5921
        + engine.clusters * (cluster + engine.lanes * lane)
        + engine.attention_units * attention
    )


def standing_units(engine: EngineConfig) -> dict[str, int]:
    """How many of each unit of a `StandingCost` the engine has."""
    return {
        "register_bit": register_bits(engine),
        "memory_bit": memory_bits(engine),
        "engine": 1,
    }
