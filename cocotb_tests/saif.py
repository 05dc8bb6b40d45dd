"""Switching activity as Verilator writes it: how often every bit of every net toggled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_BIT = re.compile(
    r"\((?P<name>.+?)(?:\\\[(?P<bit>\d+)\\\])? "
    r"\(T0 \d+\) \(T1 (?P<high>\d+)\) .*\(TC (?P<toggles>\d+)\)\)"
)


@dataclass(frozen=True)
class NetActivity:
    """One net of a whole simulation, bit 0 first: time that it was high, and changes."""

    high: tuple[int, ...]
    toggles: tuple[int, ...]


@dataclass(frozen=True)
class Activity:
    """A SAIF file.

    Attributes:
        duration: time of the simulation, in the unit of `NetActivity.high`.
        scopes: path of an instance ("tb/engine/core") -> its nets by name.
    """

    duration: int
    scopes: dict[str, dict[str, NetActivity]]

    def high_cycles(self, scope: str, net: str, *, period: int) -> int:
        """Cycles in which the net, read as an unsigned number, was high: bit b counts 2^b."""
        total = sum(high << bit for bit, high in enumerate(self.scopes[scope][net].high))
        cycles, rest = divmod(total, period)
        if rest:
            raise ValueError(f"{scope}/{net} changed between clock edges: {total} of {period}")
        return cycles


def read_saif(path: Path) -> Activity:
    """The content of `path`. Raises ValueError for a line that is none of SAIF's."""
    duration = 0
    scopes: dict[str, dict[str, NetActivity]] = {}
    stack: list[str] = []
    bits: dict[str, list[tuple[int, int, int]]] = {}
    with open(path) as file:
        for number, line in enumerate(file, 1):
            text = line.strip()
            if text.startswith("(INSTANCE "):
                stack.append(text.removeprefix("(INSTANCE "))
            elif text == "(NET":
                bits = {}
                stack.append("")
            elif text == ")":
                if stack and stack.pop() == "":
                    scopes["/".join(stack)] = {name: _net(rows) for name, rows in bits.items()}
            elif found := _BIT.fullmatch(text):
                row = (int(found["bit"] or 0), int(found["high"]), int(found["toggles"]))
                bits.setdefault(found["name"], []).append(row)
            elif text.startswith("(DURATION "):
                duration = int(text.strip("()").split()[1])
            elif not text.startswith(("//", "(SAIF", "(DIR", "(PROGRAM", "(DIVIDER", "(TIMESCALE")):
                raise ValueError(f"{path}: line {number} is not SAIF: {text[:60]}")
    return Activity(duration=duration, scopes=scopes)


def _net(rows: list[tuple[int, int, int]]) -> NetActivity:
    ordered = sorted(rows)
    return NetActivity(
        high=tuple(high for _, high, _ in ordered),
        toggles=tuple(toggles for _, _, toggles in ordered),
    )
