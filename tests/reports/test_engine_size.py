"""Register and memory bits against those of the engines' netlists."""

import pytest

from reports.engine_size import memory_bits, register_bits
from sparsespike.contract.config import load_engine

# Bits of all flip-flops and of all memories, counted in the RTLIL of `hw.engine.Engine`.
NETLISTS = [
    ("micro", {}, 13_197, 1_305_600),
    ("small", {}, 44_516, 3_827_200),
    ("small", {"lanes": 16}, 57_610, 4_512_768),
    ("small", {"chunk": 32}, 49_327, 6_546_944),
    ("small", {"axi_data_bits": 128}, 44_897, 3_827_200),
    ("small", {"time_steps": 8}, 78_924, 6_923_776),
    ("small", {"fifo_depth": 16}, 44_612, 3_855_872),
    ("small", {"clusters": 8}, 66_938, 6_618_112),
    ("small", {"lanes": 4, "accumulator_bits": 30}, 38_912, 3_484_416),
    ("large", {}, 174_399, 50_705_920),
]


@pytest.mark.parametrize("preset, fields, registers, memory", NETLISTS)
def test_sizes_are_those_of_the_netlist(preset, fields, registers, memory):
    engine = load_engine(preset, **fields)
    assert register_bits(engine) == pytest.approx(registers, rel=0.03)
    assert memory_bits(engine) == pytest.approx(memory, rel=0.05)
