"""Which nets of the generated Verilog a module drives itself, so that each is counted once.

A signal that crosses the hierarchy has a name in every module that it crosses, and a SAIF file has
its toggles under each of them. It belongs to the module whose logic or register drives it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

_NAME = r"(?:\\\S+|[A-Za-z_][\w$]*)"
_MODULE = re.compile(rf"module ({_NAME}) ?[(#]")
_INSTANCE = re.compile(rf"  ({_NAME}) +({_NAME}) +\($")
_PARAMETERS = re.compile(rf"  ({_NAME}) #\($")
_NAMED = re.compile(rf"  \) ({_NAME}) +\($")
_REG = re.compile(rf"  (?:output )?reg (?:\[[^]]*\] )?({_NAME})")
_ARRAY = re.compile(rf"  reg (?:\[[^]]*\] )?{_NAME} +\[")
_ASSIGN = re.compile(rf"  assign ({_NAME}) *(?:\[[^]]*\] )?= (.*);$")
_CLOCKED = re.compile(rf"(?:if \(.*\) )?({_NAME}) *(?:\[[^]]*\] )?<= ")
_ESCAPED = re.compile(r"\\\S+ ")
_SLICE = re.compile(r"\[\d+(?::\d+)?\]")
_WIRING = re.compile(r"[\w$'{}, ]+")

Driver = Literal["register", "logic"]


@dataclass(frozen=True)
class ModuleNets:
    """One module.

    Attributes:
        driven: nets that its registers or its logic drive; renamed and joined nets are not here.
        instances: name of an instance in it -> its module.
    """

    driven: dict[str, Driver] = field(default_factory=dict)
    instances: dict[str, str] = field(default_factory=dict)


def read_netlist(text: str) -> dict[str, ModuleNets]:
    """The modules of Verilog as Yosys writes it, by name, without the backslashes of names."""
    modules: dict[str, ModuleNets] = {}
    module, waiting, clocked = ModuleNets(), "", False
    for line in text.splitlines():
        if found := _MODULE.match(line):
            module = modules.setdefault(_plain(found[1]), ModuleNets())
        elif found := _PARAMETERS.match(line):
            waiting = _plain(found[1])
        elif found := _NAMED.match(line):
            module.instances[_plain(found[1])] = waiting
        elif found := _INSTANCE.match(line):
            module.instances[_plain(found[2])] = _plain(found[1])
        elif found := _ASSIGN.match(line):
            if not _is_wiring(found[2] + " "):
                module.driven.setdefault(_plain(found[1]), "logic")
        elif (found := _REG.match(line)) and not _ARRAY.match(line):
            module.driven.setdefault(_plain(found[1]), "logic")
        elif line.startswith("  always @"):
            clocked = "posedge" in line
        elif clocked and (found := _CLOCKED.match(line.strip())):
            module.driven[_plain(found[1])] = "register"
    return modules


def instance_modules(modules: dict[str, ModuleNets], top: str, path: str) -> dict[str, str]:
    """Path of every instance below `top`, itself at `path`, -> its module."""
    found = {path: top}
    for name, module in modules[top].instances.items():
        if module in modules:
            found |= instance_modules(modules, module, f"{path}/{name}")
    return found


def _is_wiring(value: str) -> bool:
    """Whether the right side of an assignment only renames, picks and joins bits."""
    plain = _SLICE.sub("", _ESCAPED.sub("name ", value))
    return "$signed" not in plain and _WIRING.fullmatch(plain) is not None


def _plain(name: str) -> str:
    return name.removeprefix("\\")
