"""Knobs: what a space varies, and the values each of them may take."""

import math
from typing import Any

from sparsespike.contract.config import EngineConfig

Value = int | float

NETWORK_KNOBS = {
    "keep_ratio": "share of tokens that each selector keeps, 0 < r <= 1",
    "selectors": "token selectors in use, the first N; 0 prunes no token",
    "weight_bits": "bits of a weight: 4, 6 or 8; the network is quantised anew",
    "weight_sparsity": "zeros among the weights, 0..1; the smallest are cut; 0: as trained",
}
"""Knobs of the network, by the name they have in table [network]."""

ENGINE_KNOBS = {name: str(f.description) for name, f in EngineConfig.model_fields.items()}
"""Knobs of the engine: every field of `EngineConfig`."""

_NUMBER = {"type": "number"}
KNOB_VALUES_SCHEMA = {
    "anyOf": [
        _NUMBER,
        {"type": "array", "items": _NUMBER, "minItems": 1},
        {
            "type": "object",
            "properties": dict.fromkeys(("from", "to", "step", "factor"), _NUMBER),
            "required": ["from", "to"],
            "additionalProperties": False,
        },
    ]
}
"""JSON schema of what `knob_values` takes."""

_RANGE_KEYS = ("from", "to", "step", "factor")
MOST_VALUES = 10_000


def knob_values(raw: Any) -> tuple[Value, ...]:
    """The values that a knob's TOML entry spells, ascending for ranges, in order for lists.

    A number; a list of numbers; or a range {from, to, step} or {from, to, factor}, both ends
    included where they are met. Raises ValueError, one line with the remedy.
    """
    if isinstance(raw, dict):
        return _range(raw)
    values = raw if isinstance(raw, list | tuple) else [raw]
    if not values:
        raise ValueError("is empty: give at least one value")
    for value in values:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise ValueError(f"{value!r} is not a number: give numbers or a range")
    if len(set(values)) != len(values):
        twice = next(value for value in values if list(values).count(value) > 1)
        raise ValueError(f"{twice} stands twice: remove one")
    return tuple(values)


def check_network_value(name: str, value: Value) -> None:
    """Raises ValueError unless `value` is one that the network knob `name` can take."""
    fine = {
        "keep_ratio": 0 < value <= 1,
        "selectors": isinstance(value, int) and value >= 0,
        "weight_bits": value in (4, 6, 8),
        "weight_sparsity": 0 <= value < 1,
    }
    if not fine[name]:
        raise ValueError(f"{value} is not allowed: must be {NETWORK_KNOBS[name]}")


def _is_number(value: Any) -> bool:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return known and math.isfinite(value)


def _range(raw: dict[str, Any]) -> tuple[Value, ...]:
    unknown = [key for key in raw if key not in _RANGE_KEYS]
    if unknown:
        raise ValueError(f"unknown key '{unknown[0]}' in a range: use from, to, and step or factor")
    missing = [key for key in ("from", "to") if key not in raw]
    if missing:
        raise ValueError(f"a range needs '{missing[0]}': add it")
    if ("step" in raw) == ("factor" in raw):
        raise ValueError("a range needs either step or factor: give one of the two")
    for key, value in raw.items():
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise ValueError(f"{key} = {value!r} is not a number: correct it")
    first, last = raw["from"], raw["to"]
    if last < first:
        raise ValueError(f"to = {last} is below from = {first}: give the lower end first")
    if "step" in raw:
        return _steps(first, last, raw["step"])
    return _factors(first, last, raw["factor"])


def _steps(first: Value, last: Value, step: Value) -> tuple[Value, ...]:
    if step <= 0:
        raise ValueError(f"step must be positive, not {step}")
    count = math.floor((last - first) / step + 1e-9) + 1
    _limit(count)
    return tuple(_tidy(first + index * step) for index in range(count))


def _factors(first: Value, last: Value, factor: Value) -> tuple[Value, ...]:
    if factor <= 1:
        raise ValueError(f"factor must be greater than 1, not {factor}")
    if first <= 0:
        raise ValueError(f"from must be positive with a factor, not {first}")
    _limit(math.floor(math.log(last / first, factor) + 1e-9) + 1)
    values = [first]
    while (following := _tidy(values[-1] * factor)) <= last:
        values.append(following)
    return tuple(values)


def _limit(count: int) -> None:
    if count > MOST_VALUES:
        raise ValueError(f"has {count} values: use a larger step, at most {MOST_VALUES} values")


def _tidy(value: Value) -> Value:
    """0.1 + 2 * 0.1 is 0.3, not 0.30000000000000004."""
    return value if isinstance(value, int) else round(value, 12)
