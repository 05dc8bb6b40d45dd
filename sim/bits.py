"""Bits of a 64-bit word, counted and found: one instruction where compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic, overload


def ones(word: np.uint64) -> int:
    """Ones of `word`."""
    return int(word).bit_count()


def lowest(word: np.uint64) -> int:
    """Place of the lowest one of `word`, which must not be 0."""
    return (int(word) & -int(word)).bit_length() - 1


@intrinsic
def _ones(_types: Any, word: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


@intrinsic
def _lowest(_types: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], context.get_constant(types.boolean, True))

    return types.int64(types.uint64), generate


@overload(ones)
def _compiled_ones(word: Any) -> Any:
    def compiled(word: Any) -> Any:
        return _ones(word)

    return compiled


@overload(lowest)
def _compiled_lowest(word: Any) -> Any:
    def compiled(word: Any) -> Any:
        return _lowest(word)

    return compiled
