"""What is done to a Yosys netlist before nextpnr-ecp5 places it, and how it is placed then."""

from __future__ import annotations

import json
from pathlib import Path

from hw.flow.floorplan import SITES, place_memories
from hw.flow.global_resets import buffer_resets
from sparsespike.contract.files import write_atomically

RECIPE = "reset pins buffered, memories placed, static or heap, 3"
"""Part of the key of everything that is kept of a prepared netlist: another one if it changes."""


def prepare_netlist(netlist: Path, top: str, target: str) -> None:
    """Buffers the resets and places the block RAMs of `top`, for a target of hw.flow.targets."""
    design = json.loads(netlist.read_text())
    module = design["modules"][top]
    buffer_resets(module)
    if target in SITES:
        place_memories(module, SITES[target])
    write_atomically(netlist, json.dumps(design).encode())


def algorithms(netlist: Path) -> list[str]:
    """Options of nextpnr for a prepared netlist.

    Its placer `static` needs an eighth less wire than `heap` for engines whose block RAMs have
    their places; without such places its result may have no routing. The default router does not
    end with engines of 32 lanes.
    """
    placed = b'"BEL"' in netlist.read_bytes()
    return ["--placer", "static" if placed else "heap", "--router", "router2"]
