"""The modules of a generated Verilog text, each distinct one once, named by what it contains."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

_MODULE = re.compile(r"^module (\\\S+|\w+)(.*?)^endmodule$", re.MULTILINE | re.DOTALL)
_INSTANCE = re.compile(
    r"^  (\\\S+|\w+)(?P<space> +)(?:#\((?P<parameters>.*?)\) )?(?P<name>\\\S+|\w+) +\($",
    re.MULTILINE | re.DOTALL,
)
_TRIGGER = re.compile(r"\$auto\$verilog_backend\.cc:\d+:dump_module\$\d+")
_NUMBERED = re.compile(r"\\\$(\d+) ")
_PARAMETER = re.compile(r"\.(\w+)\((?:\d+'d)?(\d+)\)")
_KEYWORDS = ("module", "reg", "wire", "input", "output", "assign", "initial", "always", "function")


@dataclass(frozen=True)
class VerilogModule:
    """One distinct module.

    Attributes:
        name: follows from the contents, so that equal names mean equal circuits.
        path: name of one of the modules of the text that it stands for.
        text: Verilog, from `module` to `endmodule`.
        children: names of the modules it instantiates, one an instance.
    """

    name: str
    path: str
    text: str
    children: tuple[str, ...]


def distinct_modules(verilog: str, top: str) -> dict[str, VerilogModule]:
    """The modules below `top`, children before their parents, equal ones merged.

    Instances with parameters become modules of their own, so no module has parameters left.
    The last one is `top`. Raises KeyError if a module is missing.
    """
    found = {match[1].lstrip("\\"): match[2] for match in _MODULE.finditer(verilog)}
    modules: dict[str, VerilogModule] = {}
    names: dict[tuple[str, tuple[tuple[str, str], ...]], str] = {}

    def visit(path: str, parameters: Mapping[str, str]) -> str:
        key = (path, tuple(sorted(parameters.items())))
        if key not in names:
            names[key] = _add(modules, path, *rewrite(_with_values(found[path], parameters)))
        return names[key]

    def rewrite(body: str) -> tuple[str, list[str]]:
        children: list[str] = []

        def instance(match: re.Match[str]) -> str:
            path = match[1].lstrip("\\")
            if path in _KEYWORDS or path not in found:
                return match[0]
            values = dict(_PARAMETER.findall(match["parameters"] or ""))
            children.append(visit(path, values))
            return f"  {children[-1]} {match['name']} ("

        return _INSTANCE.sub(instance, body), children

    visit(top, {})
    return modules


def tree_counts(modules: Mapping[str, VerilogModule], top: str) -> dict[str, int]:
    """How many instances of each module the tree below `top` has."""
    counts: dict[str, int] = dict.fromkeys(modules, 0)
    counts[top] = 1
    for name in reversed(list(modules)):
        for child in modules[name].children:
            counts[child] += counts[name]
    return counts


def _add(modules: dict[str, VerilogModule], path: str, body: str, children: list[str]) -> str:
    # Yosys fails where a name of its own making, such as $1, is also a name of the text.
    body = _NUMBERED.sub(r"wire_\1 ", _TRIGGER.sub("trigger", body))
    stem = re.sub(r"\$\d+$", "", path.rsplit(".", 1)[-1])
    name = f"{re.sub(r'[^A-Za-z0-9_]', '_', stem)}_{hashlib.sha256(body.encode()).hexdigest()[:12]}"
    if name in modules:
        return name
    # Equal bodies may have got other stems (lane_0, lane_1): the first one stands for all.
    text = f"module {name}{body}endmodule\n"
    for other in modules.values():
        if other.name.rsplit("_", 1)[1] == name.rsplit("_", 1)[1]:
            return other.name
    modules[name] = VerilogModule(name, path, text, tuple(children))
    return name


def _with_values(body: str, parameters: Mapping[str, str]) -> str:
    for name, value in parameters.items():
        body = re.sub(rf"(parameter {name} = )\d+", rf"\g<1>{value}", body)
    return body
