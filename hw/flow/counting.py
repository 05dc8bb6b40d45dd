"""How many LUTs, flip-flops, block RAMs and multipliers a synthesised module has of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hw.flow.targets import Target

_KBIT = 1024


@dataclass(frozen=True)
class Count:
    """Cells in the units of a target: LUTs, flip-flops, block RAMs, multipliers."""

    lut: float = 0.0
    ff: float = 0.0
    bram: float = 0.0
    dsp: float = 0.0

    def __add__(self, other: Count) -> Count:
        return Count(*(a + b for a, b in zip(_values(self), _values(other), strict=True)))

    def __mul__(self, times: float) -> Count:
        return Count(*(times * value for value in _values(self)))


def count_cells(statistics: Mapping[str, Any], target: Target) -> Count:
    """Counts of one module of `stat -json`; cells of submodules are not among them."""
    cells: Mapping[str, int] = statistics["num_cells_by_type"]
    totals = {
        resource: sum(
            _number(cells, cell) * weight for cell, weight in target.cells[resource].items()
        )
        for resource in ("lut", "ff", "bram", "dsp")
    }
    bits = statistics.get("num_memory_bits", 0)
    if bits and not target.cells["bram"]:
        totals["bram"] += bits / (target.bram_kbit * _KBIT)
    return Count(**totals)


def _number(cells: Mapping[str, int], wanted: str) -> int:
    """Cells of a type; `$_DFF` and its like stand for all whose names go on with an underscore."""
    exact = cells.get(wanted, 0)
    if not wanted.startswith("$_"):
        return exact
    return exact + sum(
        count
        for name, count in cells.items()
        if name.startswith((f"{wanted}_", f"{wanted}E_")) and name != wanted
    )


def _values(count: Count) -> tuple[float, ...]:
    return tuple(asdict(count).values())
