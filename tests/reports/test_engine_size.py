"""Register and memory bits against those of the engines' netlists."""

import pytest

from reports.engine_size import memory_bits, register_bits
from sparsespike.contract.config import load_engine

# `small` and `micro` with memories for other networks than nano.
ROOMY = {
    "small": {
        "spike_depth": 4096,
        "count_depth": 1024,
        "count_bits": 4,
        "head_slots": 64,
        "attention_depth": 64,
        "accumulator_bits": 24,
        "membrane_bits": 32,
    },
    "micro": {"head_slots": 64},
}
# Bits of all flip-flops and of all memories, counted in the RTLIL of `hw.engine.Engine`.
NETLISTS = [
    ("micro", {}, 19_032, 1_331_760),
    ("micro", {"digit_bits": 2}, 19_314, 1_332_272),
    ("micro", {"lane_channels": 1}, 16_979, 1_310_848),
    ("small", {}, 66_238, 3_936_512),
    ("small", {"lanes": 16}, 88_854, 4_718_848),
    ("small", {"chunk": 32}, 76_746, 6_713_600),
    ("small", {"axi_data_bits": 128}, 66_652, 3_936_512),
    ("small", {"time_steps": 8}, 113_517, 7_033_088),
    ("small", {"fifo_depth": 16}, 66_334, 3_965_184),
    ("small", {"clusters": 8}, 106_952, 6_833_920),
    ("small", {"lanes": 4, "accumulator_bits": 30}, 56_189, 3_545_344),
    ("small", {"lane_channels": 2}, 82_690, 4_176_896),
    ("small", {"head_slots": 32, "attention_units": 2}, 51_312, 3_588_352),
    ("small", {"membrane_bits": 40}, 67_614, 3_938_560),
    ("small", {"weight_bits": 4}, 65_630, 3_674_368),
    ("large", {}, 381_868, 55_448_320),
]


@pytest.mark.parametrize("preset, fields, registers, memory", NETLISTS)
def test_sizes_are_those_of_the_netlist(preset, fields, registers, memory):
    engine = load_engine(preset, **ROOMY.get(preset, {}) | fields)
    assert register_bits(engine) == pytest.approx(registers, rel=0.03)
    assert memory_bits(engine) == pytest.approx(memory, rel=0.05)
