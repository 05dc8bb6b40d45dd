"""What is done to a Yosys netlist before nextpnr-ecp5 places it, and how it is placed then."""

from __future__ import annotations

import json
from pathlib import Path

from hw.flow.floorplan import SITES, place_memories
from hw.flow.global_resets import buffer_resets
from sparsespike.contract.files import write_atomically

RECIPE = "reset pins buffered, memories placed, static, 4"
"""Part of the key of everything that is kept of a prepared netlist: another one if it changes."""

ALGORITHMS = ("--placer", "static", "--router", "router2")
"""Options of nextpnr for a prepared netlist.

Its default placer, `heap`, crowds the wires of the mask expander: `micro` is routed at 50.3 MHz
with it and at 61.6 with `static` (seed 1). Its default router does not end with 32 lanes.
"""


def prepare_netlist(netlist: Path, top: str, target: str) -> None:
    """Buffers the resets and places the block RAMs of `top`, for a target of hw.flow.targets."""
    design = json.loads(netlist.read_text())
    module = design["modules"][top]
    buffer_resets(module)
    if target in SITES:
        place_memories(module, SITES[target])
    write_atomically(netlist, json.dumps(design).encode())
