"""Writes the bundle of an engine."""

from __future__ import annotations

import json
from pathlib import Path

from hw import register_map
from hw.bundle import integration, register_files, signals
from hw.engine import Engine
from hw.generate import TOP, engine_description, engine_verilog
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.files import write_atomically

INSTANCE = "tb.engine"
"""Path of the engine in the testbench of the bundle."""


def write_bundle(engine: EngineConfig, directory: str | Path) -> list[Path]:
    """Writes RTL, register map, scripts and signal names; returns the paths, in order.

    The same engine gives the same bytes. Raises OSError.
    """
    directory = Path(directory)
    top = Engine(engine)
    verilog = engine_verilog(engine, top)
    description = engine_description(engine, top)
    paths = signals.signal_paths(verilog, TOP)
    ports = json.loads(description)["ports"]
    bits = {port["name"]: port["bits"] for port in ports}
    widths = {name: bits.get(path.rsplit(".", 1)[1], 1) for name, path in paths.items()}
    texts = {
        f"rtl/{TOP}.v": verilog,
        "rtl/files.f": f"{TOP}.v\n",
        "engine.json": description,
        "signals.json": signals.as_json(paths),
        "registers/registers.md": register_map.as_markdown(engine),
        "registers/registers.json": register_map.as_json(engine),
        "registers/registers.rdl": register_files.as_system_rdl(engine),
        f"registers/{TOP}.h": register_files.as_c_header(engine),
        f"{TOP}.core": integration.fusesoc_core(),
        "vivado/package_ip.tcl": integration.vivado_script(engine),
        "vivado/out_of_context.xdc": integration.out_of_context_constraint(engine),
        "litex/sparsespike_litex.py": integration.litex_module(engine),
        "waves/frame.gtkw": signals.gtkwave_file(paths, widths, INSTANCE),
        "waves/frame.sucl": signals.surfer_file(paths, INSTANCE),
    }
    written = []
    for name, text in texts.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode())
        written.append(path)
    return written
