"""The engine's netlist after synthesis, as Verilog that can take the place of the RTL."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path

from hw.flow.targets import find_target
from hw.flow.yosys import run_yosys, yosys_version
from hw.generate import TOP, engine_verilog
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.files import write_atomically

_FLATTEN = "flatten"


def write_netlist(engine: EngineConfig, *, cache: Path) -> Path:
    """Verilog of LUTs, flip-flops and memories with the ports of the engine; made once.

    Synthesised for the target `generic`, flat. Raises ToolError, MissingToolError.
    """
    verilog, target = engine_verilog(engine), find_target("generic")
    text = json.dumps([verilog, target.commands, yosys_version()])
    path = cache / f"netlist-{hashlib.sha256(text.encode()).hexdigest()[:12]}" / f"{TOP}.v"
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sparsespike-netlist-") as temporary:
        folder = Path(temporary)
        (folder / "design.v").write_text(verilog)
        commands = ["read_verilog -sv design.v", f"hierarchy -top {TOP}", "proc", _FLATTEN]
        commands += [command.format(top=TOP) for command in target.commands]
        run_yosys([*commands, "write_verilog -noattr netlist.v"], folder=folder)
        write_atomically(path, (folder / "netlist.v").read_bytes())
    return path
