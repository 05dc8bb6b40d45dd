"""Figures as they are shown: parts that add up to their total, to the last digit."""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal


def shown_parts(values: Sequence[float], digits: int) -> tuple[list[str], str]:
    """The values and their sum with `digits` decimals, so that what is shown adds up exactly.

    The total is rounded; the parts are rounded down, and those with the largest remainders up
    (Hamilton's method), so no part is off by a whole last digit. Values are finite.
    """
    unit = Decimal(1).scaleb(-digits)
    exact = [Decimal(value) for value in values]
    total = sum(exact, Decimal(0)).quantize(unit, ROUND_HALF_EVEN)
    floors = [value.quantize(unit, ROUND_FLOOR) for value in exact]
    missing = int((total - sum(floors, Decimal(0))) / unit)
    by_remainder = sorted(range(len(exact)), key=lambda i: floors[i] - exact[i])
    for index in by_remainder[:missing]:
        floors[index] += unit
    return [f"{value:,f}" for value in floors], f"{total:,f}"
