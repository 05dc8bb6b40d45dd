"""Puts resets that reach most of an ECP5 design on its global network.

nextpnr-ecp5 leaves them on general routing, where one net to ten thousands of registers within a
cycle is the critical path of every placement. A net behind a DCCA, the buffer of the primary clock
network (Lattice FPGA-TN-02200, "Primary Clocks"), gets a global route to reset pins. Logic that
reads the same net keeps the net before the buffer: the way through the buffer is longer.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

LEAST = 1000
"""Registers that a net must reset; of 16 global nets half can come from the fabric."""
MOST = 4


def buffer_resets(module: dict[str, Any]) -> int:
    """Buffers the nets of a module of a Yosys netlist that reset most registers; how many."""
    cells, names = module["cells"], module["netnames"]
    resets = Counter(
        bit
        for cell in cells.values()
        if cell["type"] == "TRELLIS_FF"
        for bit in cell["connections"].get("LSR", [])
        if isinstance(bit, int)
    )
    unused = 1 + max(bit for bit in _bits(cells) if isinstance(bit, int))
    chosen = [bit for bit, sinks in resets.most_common(MOST) if sinks >= LEAST]
    buffered = dict(zip(chosen, range(unused, unused + len(chosen)), strict=True))
    for cell in cells.values():
        if cell["type"] == "TRELLIS_FF" and "LSR" in cell["connections"]:
            bits = cell["connections"]["LSR"]
            cell["connections"]["LSR"] = [buffered.get(bit, bit) for bit in bits]
    for number, (before, behind) in enumerate(buffered.items()):
        cells[f"global_reset_buffer_{number}"] = _buffer(before, behind)
        names[f"global_reset_{number}"] = {"hide_name": 0, "bits": [behind], "attributes": {}}
    return len(buffered)


def _bits(cells: dict[str, Any]) -> list[Any]:
    return [bit for cell in cells.values() for bits in cell["connections"].values() for bit in bits]


def _buffer(before: int, behind: int) -> dict[str, Any]:
    return {
        "hide_name": 0,
        "type": "DCCA",
        "parameters": {},
        "attributes": {},
        "port_directions": {"CLKI": "input", "CE": "input", "CLKO": "output"},
        "connections": {"CLKI": [before], "CE": ["1"], "CLKO": [behind]},
    }
