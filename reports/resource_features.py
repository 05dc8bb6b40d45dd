"""What the size of each block of an engine grows with: the columns that the resource model weighs.

Every block has its own few columns, each a number of bits or of places in its data path, and a
constant. A lane with one more time step has one more adder: the column `step_bits` says how wide.
"""

from collections.abc import Callable, Mapping
from math import ceil, log2

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig

Columns = Mapping[str, float]


def _offset_bits(engine: EngineConfig) -> int:
    return (derived.weight_lines(engine) * derived.weights_per_beat(engine)).bit_length()


def _entry_bits(engine: EngineConfig) -> int:
    """A beat in a lane's queue: digits of every step, matches, mask, offset, control."""
    return _digits(engine) + engine.lane_channels * (engine.chunk * 2 + _offset_bits(engine)) + 5


def _digits(engine: EngineConfig) -> int:
    """Bits of a broadcast beat's digits."""
    return engine.chunk * engine.time_steps * engine.digit_bits


def _head(engine: EngineConfig) -> int:
    return derived.ceil_div(engine.head_slots, engine.chunk) * engine.chunk


def _lane(engine: EngineConfig) -> Columns:
    return {
        "one": 1,
        "chunk": engine.chunk,
        "spikes": _digits(engine),
        "step_bits": engine.lane_channels * engine.time_steps * engine.accumulator_bits,
        "entry": _entry_bits(engine),
        "offset": engine.lane_channels * _offset_bits(engine),
        "second": engine.lane_channels - 1,
        "multiples": (engine.digit_bits - 1) * engine.lane_channels * engine.time_steps,
    }


def _broadcaster(engine: EngineConfig) -> Columns:
    channels = derived.tile_channels(engine)
    return {
        "one": 1,
        "spikes": engine.chunk * engine.time_steps,
        "counts": engine.chunk * engine.time_steps * engine.count_bits,
        "line": derived.line_slots(engine) * engine.time_steps * engine.count_bits,
        "masks": channels * engine.chunk,
        "offsets": channels * _offset_bits(engine),
        "lanes": channels,
        "banded": int(engine.clusters > 1),
    }


def _neuron(engine: EngineConfig) -> Columns:
    channels = derived.tile_channels(engine)
    return {
        "one": 1,
        "step_bits": engine.time_steps * engine.membrane_bits,
        "sums": channels * engine.time_steps * engine.accumulator_bits,
        "row": derived.lane_pitch(engine) * engine.time_steps,
        "lanes": channels,
        "banded": int(engine.clusters > 1),
        "delays": engine.time_steps**2,
    }


def _attention(engine: EngineConfig) -> Columns:
    counter = engine.max_tokens.bit_length()
    return {
        "one": 1,
        "counters": _head(engine) * counter,
        "slots": _head(engine) * engine.time_steps,
        "outputs": _head(engine) * engine.time_steps * (counter + _head(engine).bit_length()),
        "spikes": engine.chunk * engine.time_steps,
        "depth": engine.attention_depth,
    }


def _tiles(engine: EngineConfig) -> Columns:
    return {"one": 1, "bus": engine.axi_data_bits, "lanes": derived.tile_channels(engine)}


def _front(engine: EngineConfig) -> Columns:
    return {
        "one": 1,
        "bus": engine.axi_data_bits,
        "clusters": engine.clusters,
        "offsets": _offset_bits(engine) * derived.mask_lanes(engine),
        "spikes": engine.chunk * engine.time_steps,
    }


def _write_back(engine: EngineConfig) -> Columns:
    row = derived.lane_pitch(engine) * engine.time_steps
    return {
        "one": 1,
        "clusters": engine.clusters,
        "rows": engine.clusters * row,
        "row": row,
        "counts": row * engine.count_bits,
        "line": derived.line_slots(engine) * engine.time_steps * engine.count_bits,
    }


def _wiring(engine: EngineConfig) -> Columns:
    return {
        "one": 1,
        "clusters": engine.clusters,
        "lanes": engine.clusters * engine.lanes,
        "counts": engine.clusters * engine.lanes * engine.time_steps.bit_length(),
        "index": engine.clusters * log2(engine.clusters),
    }


def _counters(engine: EngineConfig) -> Columns:
    lanes = engine.lanes.bit_length()
    bits = 10 + 4 * lanes + (engine.lanes * engine.time_steps).bit_length()
    return {
        "one": 1,
        "increments": engine.clusters * (bits + 2 * engine.time_steps.bit_length()),
        "layers": log2(engine.max_layers),
    }


def _tokens_counted(engine: EngineConfig) -> Columns:
    return {"one": 1, "tokens": ceil(engine.max_tokens / 32), "bits": log2(engine.max_tokens)}


def _bus(engine: EngineConfig) -> Columns:
    return {"one": 1, "bus": engine.axi_data_bits, "classes": log2(engine.max_classes)}


def _one(engine: EngineConfig) -> Columns:
    return {"one": 1}


BLOCKS: Mapping[str, Callable[[EngineConfig], Columns]] = {
    "lane": _lane,
    "broadcaster": _broadcaster,
    "neuron": _neuron,
    "attention": _attention,
    "tiles": _tiles,
    "wiring": _wiring,
    "front": _front,
    "write_back": _write_back,
    "tokens": _one,
    "counters": _counters,
    "scores": _tokens_counted,
    "top_k": _tokens_counted,
    "logits": _bus,
    "writer": _bus,
    "registers": _one,
    "sequencer": _one,
}


def instances(block: str, engine: EngineConfig) -> int:
    """How often the engine has the block."""
    if block == "lane":
        return engine.clusters * engine.lanes
    if block == "attention":
        return engine.attention_units
    return engine.clusters if block in ("broadcaster", "neuron", "tiles") else 1
