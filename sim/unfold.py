"""Weights and masks of a tile packet, taken apart as the loader does: step by step.

A step takes a beat, or expands a mask line, or both; which kind of beat it takes follows from what
the masks lack (docs/engine.md, section 5).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig

PRESENCE, NIBBLES, WEIGHTS = 0, 1, 2
"""What a beat is."""


class Payload(NamedTuple):
    """What follows a tile's constants.

    beats: their number, or -1 if the stream ends before the tile does, or it never would; steps:
    (beats,) from each beat on, up to the next; kinds: (beats,); lines: uint8 (lines, nibbles of
    a mask line).
    """

    beats: int
    steps: NDArray[np.int64]
    kinds: NDArray[np.int64]
    lines: NDArray[np.uint8]


class Shape(NamedTuple):
    """Of a tile: mask lines, beats of nibbles and of weights; of the engine: nibbles of a line."""

    lines: int
    nibble_beats: int
    weight_beats: int
    line_nibbles: int


def unfold(engine: EngineConfig, stream: NDArray[np.uint8], shape: Shape) -> Payload:
    """The payload at the beginning of `stream`, uint8 (beats, bytes of a beat)."""
    most = derived.ceil_div(shape.lines, derived.lines_per_presence(engine))
    most = min(most + shape.nibble_beats + shape.weight_beats, len(stream))
    pairs = stream[:most]
    nibbles = np.stack([pairs & 15, pairs >> 4], axis=2).reshape(most, -1)
    steps, kinds = np.zeros(most, np.int64), np.zeros(most, np.int64)
    lines = np.zeros((shape.lines, shape.line_nibbles), np.uint8)
    beats = _unfold(nibbles, shape, steps, kinds, lines)
    return Payload(beats, steps[:beats], kinds[:beats], lines)


@njit(cache=True)
def _unfold(stream: NDArray, shape: Shape, steps: NDArray, kinds: NDArray, lines: NDArray) -> int:
    width = stream.shape[1]
    presence, held = np.zeros(4 * width, np.uint8), np.zeros(2 * width, np.uint8)
    per_presence = 4 * width // shape.line_nibbles
    nibbles_left, weights_left = shape.nibble_beats, shape.weight_beats
    beat = line = known = there = read = written = 0
    while line < shape.lines or weights_left > 0:
        bits = presence[(per_presence - known) * shape.line_nibbles :][: shape.line_nibbles]
        need = 0
        for bit in bits:
            need += bit
        expands = line < shape.lines and known > 0 and there >= need
        last = expands and line + 1 == shape.lines
        kind = -1
        if line < shape.lines and not last and (known == 0 or (known == 1 and expands)):
            kind = PRESENCE
        elif nibbles_left > 0 and there <= width:
            kind = NIBBLES
        elif weights_left > 0:
            kind = WEIGHTS
        if kind >= 0:
            if beat == len(stream):
                return -1
            kinds[beat] = kind
            beat += 1
        elif not expands:
            return -1
        steps[beat - 1] += 1
        if expands:
            for i in range(shape.line_nibbles):
                if bits[i]:
                    lines[line, i] = held[read]
                    read = (read + 1) % (2 * width)
            there, line, known = there - need, line + 1, known - 1
        if kind == PRESENCE:
            known = per_presence
            for i in range(4 * width):
                presence[i] = (stream[beat - 1, i // 4] >> (i % 4)) & 1
        elif kind == NIBBLES:
            held[written : written + width] = stream[beat - 1]
            written = width - written
            nibbles_left, there = nibbles_left - 1, there + width
        elif kind == WEIGHTS:
            weights_left -= 1
    return beat
