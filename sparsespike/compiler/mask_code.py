"""Masks as the weight stream carries them: a presence bit for each nibble, then those not zero.

The loader expands a mask line in the same step in which it takes a beat of something else, so the
order of a tile's beats is part of the code: `beat_order` plays the loader's steps
(docs/engine.md, section 5).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class Beat(enum.IntEnum):
    """What a payload beat behind the constants is."""

    PRESENCE = 0
    NIBBLES = 1
    WEIGHTS = 2


@dataclass(frozen=True, eq=False)
class CodedMasks:
    """A tile's masks.

    Attributes:
        presence, nibbles: uint8 (beats, bytes of a beat).
        needs: (lines,) nibbles of each mask line that are not zero.
    """

    presence: NDArray[np.uint8]
    nibbles: NDArray[np.uint8]
    needs: NDArray[np.int64]


def code_masks(engine: EngineConfig, masks: NDArray[np.bool_]) -> CodedMasks:
    """Codes the masks of a tile's channels, bool (channels, words, chunk)."""
    channels, words, chunk = masks.shape
    side, groups = derived.mask_lanes(engine), derived.mask_groups(engine, channels)
    padded = np.zeros((groups * side, words, chunk), np.bool_)
    padded[:channels] = masks
    lines = padded.reshape(groups, side, words, chunk).transpose(2, 0, 1, 3)
    nibbles = lines.reshape(words * groups, -1, derived.NIBBLE_BITS)
    present: NDArray[np.bool_] = np.logical_or.reduce(nibbles, axis=2)
    return CodedMasks(
        presence=_beats(engine, present),
        nibbles=_beats(engine, nibbles[present]),
        needs=np.count_nonzero(present, axis=1),
    )


def beat_order(
    engine: EngineConfig, needs: NDArray[np.int64], *, nibble_beats: int, weight_beats: int
) -> list[Beat]:
    """The beats behind a tile's constants, in the order in which the loader asks for them."""
    beat, per_presence = derived.beat_nibbles(engine), derived.lines_per_presence(engine)
    waiting = needs.tolist()
    order: list[Beat] = []
    line = known = there = 0
    while line < len(waiting) or nibble_beats or weight_beats:
        expands = known > 0 and there >= waiting[line]
        lacks = line + expands < len(waiting) and known == expands
        if lacks:
            order.append(Beat.PRESENCE)
        elif nibble_beats and there <= beat:
            order.append(Beat.NIBBLES)
            nibble_beats, there = nibble_beats - 1, there + beat
        elif weight_beats:
            order.append(Beat.WEIGHTS)
            weight_beats -= 1
        if expands:
            there, line, known = there - waiting[line], line + 1, known - 1
        if lacks:
            known = min(per_presence, len(waiting) - line)
    return order


def _beats(engine: EngineConfig, bits: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """uint8 (beats, bytes of a beat) of bits, lowest first; the last beat is filled with 0."""
    width = engine.axi_data_bits // 8
    data = np.packbits(bits.reshape(-1), bitorder="little")
    filled = np.zeros(derived.ceil_div(len(data), width) * width, np.uint8)
    filled[: len(data)] = data
    return filled.reshape(-1, width)
