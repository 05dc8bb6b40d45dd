"""Names: from the Python components' members to paths in the Verilog, and what waves show."""

from __future__ import annotations

import json
import re

_MODULE = re.compile(r"^module (\\\S+|\w+)(.*?)^endmodule$", re.MULTILINE | re.DOTALL)
_PORT = re.compile(r"^  (?:input|output) (?:reg )?(?:\[[^\]]*\] )?(\\\S+|\w+) ?;$", re.MULTILINE)
_INSTANCE = re.compile(r"^  (\\\S+|\w+) +(?:#\(.*?\) )?(\\\S+|\w+) +\($", re.MULTILINE | re.DOTALL)
_SHOWN = (
    "clk",
    "rst",
    "irq",
    "s_axil.awvalid",
    "s_axil.arvalid",
    "m_axi.arvalid",
    "m_axi.arready",
    "m_axi.rvalid",
    "m_axi.rready",
    "m_axi.awvalid",
    "m_axi.wvalid",
    "trace.row.valid",
    "trace.layer.valid",
    "trace.layer.index",
)
"""What a first look at a frame needs."""


def signal_paths(verilog: str, top: str) -> dict[str, str]:
    """Python name of every port in the design, from the top on, to its path in the Verilog.

    `core.front.reader.bus.arvalid` is the member `bus.arvalid` of the component `reader`; ports
    that Yosys made itself are left out.
    """
    found = {match[1].lstrip("\\"): match[2] for match in _MODULE.finditer(verilog)}
    paths: dict[str, str] = {}

    def walk(module: str, python: str, path: str) -> None:
        for match in _PORT.finditer(found[module]):
            name = match[1].lstrip("\\")
            plain = re.sub(r"\$\d+$", "", name)
            if "$" in plain:
                continue
            member = plain.replace("__", ".") if python else _top_member(plain)
            paths.setdefault(python + member, f"{path}.{name}")
        for match in _INSTANCE.finditer(found[module]):
            child, instance = match[1].lstrip("\\"), match[2].lstrip("\\")
            if child in found and not child.startswith("sparsespike_memory"):
                plain = re.sub(r"\$\d+$", "", instance)
                walk(child, f"{python}{plain}.", f"{path}.{instance}")

    walk(top, "", top)
    return paths


def as_json(paths: dict[str, str]) -> str:
    """The paths as JSON."""
    return json.dumps(paths, indent=1, sort_keys=True) + "\n"


def gtkwave_file(paths: dict[str, str], widths: dict[str, int], instance: str) -> str:
    """A save file for GTKWave; `instance` is the path of the engine in the testbench."""
    lines = ["[*] first look at a frame: sparsespike", "[timestart] 0"]
    for name in _SHOWN:
        path = _in_bench(paths[name], instance)
        wide = widths.get(name, 1) > 1
        lines += ["@22" if wide else "@28"]
        lines += [f"{path}[{widths[name] - 1}:0]" if wide else path]
    return "\n".join(lines) + "\n"


def surfer_file(paths: dict[str, str], instance: str) -> str:
    """Commands for Surfer (`surfer -c FILE WAVES`)."""
    return "".join(f"variable_add {_in_bench(paths[name], instance)}\n" for name in _SHOWN)


def _in_bench(path: str, instance: str) -> str:
    return f"{instance}.{path.split('.', 1)[1]}"


def _top_member(name: str) -> str:
    """At the top, members are joined by one underscore: s_axil_awvalid, trace_row_valid."""
    for bus in ("s_axil", "m_axi"):
        if name.startswith(f"{bus}_"):
            return f"{bus}.{name[len(bus) + 1 :]}"
    return name.replace("_", ".") if name.startswith("trace_") else name
