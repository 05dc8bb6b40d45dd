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
    masks = engine.lane_channels * derived.half_words(engine.mask_depth) * mask
    lane = 2 * (weights + masks)
    rows = engine.attention_depth * derived.step_places(engine)
    attention = rows * engine.head_slots * engine.max_tokens.bit_length()
    return (
        (engine.clusters + 1) * (spikes + counts)
        + engine.clusters * engine.lanes * lane
        + engine.attention_units * attention
    )


def register_bits(engine: EngineConfig) -> int:
    """Flip-flops of the engine, by a rule fitted to the netlists of its test.

    A cluster holds membranes on their way, words of counts and the mask words of every channel of a
    tile; a lane accumulators and sums of its channels, queue entries on their way, and its control;
    an attention unit its sums; the rest reads, writes and counts.
    """
    steps, channels = engine.time_steps, engine.lane_channels
    mask = engine.chunk + engine.weight_depth.bit_length()
    lane = 30.6 + 2.61 * engine.chunk * steps * engine.digit_bits
    lane += channels * (3.92 * mask + 4.29 * steps * engine.accumulator_bits)
    cluster = 2186 + 11.4 * steps * engine.membrane_bits
    cluster += 3.17 * engine.chunk * steps * engine.count_bits
    attention = 19.3 * engine.head_slots * steps
    return round(
        5636
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
