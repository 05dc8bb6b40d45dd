"""LUT, flip-flops, block RAM and DSP of an engine, estimated from its configuration.

A first rule: registers and memories by `reports.engine_size`; lanes from one lane put through
`synth_xilinx` alone (6-input LUTs with FIFO, without LIF: 403 for 16-input chunks, 650 for 32).
Clusters and the rest are not measured and stand at the size of their registers.
"""

from typing import NamedTuple

from reports.engine_size import memory_bits, register_bits
from sparsespike.contract.config import EngineConfig

_BRAM_BITS = {"xc7": 36_864, "xcup": 36_864, "ecp5-85k": 18_432, "generic": 36_864}
_LANE_LUT, _LANE_LUT_A_SLOT = 156, 15.4
"""Through the two lanes that were synthesised: 403 at 16 slots, 650 at 32."""


class Resources(NamedTuple):
    """Cells of one device family; `bram` in blocks of 36 kbit (ECP5: 18 kbit)."""

    lut: int
    ff: int
    bram: float
    dsp: int


def estimate(config: EngineConfig, target: str = "xc7") -> Resources:
    """Resources of the whole engine on `target`."""
    lanes = config.clusters * config.lanes
    lane = _LANE_LUT + _LANE_LUT_A_SLOT * config.chunk
    lane_registers = 2 * config.time_steps * config.accumulator_bits
    registers = register_bits(config)
    return Resources(
        lut=round(lanes * lane + registers - lanes * lane_registers),
        ff=registers,
        bram=-(-memory_bits(config) // (_BRAM_BITS[target] // 2)) / 2,
        dsp=0,
    )
