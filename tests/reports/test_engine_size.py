"""Register and memory bits against those of the engines' netlists."""

import pytest

from reports.engine_size import memory_bits, register_bits
from sparsespike.contract.config import load_engine

# Bits of all flip-flops and of all memories, counted in the RTLIL of `hw.engine.Engine`.
NETLISTS = [
    ("micro", {}, 13_512, 1_310_080),
    ("micro", {"digit_bits": 2}, 13_670, 1_310_592),
    ("small", {}, 45_365, 3_837_824),
    ("small", {"lanes": 16}, 58_971, 4_523_392),
    ("small", {"chunk": 32}, 50_176, 6_557_568),
    ("small", {"axi_data_bits": 128}, 45_746, 3_837_824),
    ("small", {"time_steps": 8}, 79_797, 6_934_400),
    ("small", {"fifo_depth": 16}, 45_461, 3_866_496),
    ("small", {"clusters": 8}, 68_415, 6_636_928),
    ("small", {"lanes": 4, "accumulator_bits": 30}, 39_505, 3_495_040),
    ("large", {}, 195_362, 51_389_824),
]


@pytest.mark.parametrize("preset, fields, registers, memory", NETLISTS)
def test_sizes_are_those_of_the_netlist(preset, fields, registers, memory):
    engine = load_engine(preset, **fields)
    assert register_bits(engine) == pytest.approx(registers, rel=0.03)
    assert memory_bits(engine) == pytest.approx(memory, rel=0.05)
