"""The trace file of a run, parsed: one record per frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SPIKE, COUNT = 0, 1
_DIGITS = set("0123456789abcdefABCDEF")


@dataclass
class RowWrites:
    """Row writes of one layer in order: cycle, memory, row address and bits (one a column)."""

    cycle: NDArray[np.int64]
    memory: NDArray[np.int64]
    address: NDArray[np.int64]
    bits: NDArray[np.uint8]


@dataclass
class LayerTrace:
    """What one layer did.

    scores, keep: lists of (cycle, position, score) and (cycle, index, token).
    last_cycle: last cycle of the epilogue, counted from the frame's start.
    """

    index: int
    rows: RowWrites
    scores: list[tuple[int, int, int]]
    keep: list[tuple[int, int, int]]
    last_cycle: int


@dataclass
class FrameTrace:
    """What the engine did between a start and its interrupt; cycles count from the start.

    irq_cycle is -1 if the interrupt never rose. write_beats: (cycle, data) of the bus.
    """

    layers: list[LayerTrace] = field(default_factory=list)
    irq_cycle: int = -1
    read_beats: int = 0
    read_bursts: int = 0
    write_bursts: list[tuple[int, int, int]] = field(default_factory=list)
    write_beats: list[tuple[int, bytes]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


def read_trace(path: Path, *, row_bits: int) -> list[FrameTrace]:
    """The frames of a trace file, in order."""
    frames: list[FrameTrace] = []
    pending = _Pending()
    start = 0
    for line in path.read_text().splitlines():
        words = line.split(" ")
        kind = words[0]
        if kind == "S":
            start = int(words[1])
            frames.append(FrameTrace())
            pending = _Pending()
            continue
        if not frames:
            if kind == "V":
                raise ValueError(f"{path}: before the first start: {line}")
            continue
        frame = frames[-1]
        cycle = int(words[1]) - start
        if kind == "R":
            pending.rows.append((cycle, int(words[2]), int(words[3]), words[4]))
        elif kind == "P":
            pending.scores.append((cycle, int(words[2]), int(words[3])))
        elif kind == "K":
            pending.keep.append((cycle, int(words[2]), int(words[3])))
        elif kind == "L":
            frame.layers.append(pending.close(int(words[2]), cycle, row_bits))
            pending = _Pending()
        elif kind == "A":
            frame.write_bursts.append((cycle, int(words[2]), int(words[3])))
        elif kind == "W":
            frame.write_beats.append((cycle, bytes.fromhex(words[3])[::-1]))
        elif kind == "I" and frame.irq_cycle < 0:
            frame.irq_cycle = cycle
            frame.read_beats, frame.read_bursts = int(words[2]), int(words[3])
        elif kind == "V":
            frame.violations.append(f"cycle {cycle}: {' '.join(words[2:])}")
    return frames


class _Pending:
    """Events since the last layer ended."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, int, str]] = []
        self.scores: list[tuple[int, int, int]] = []
        self.keep: list[tuple[int, int, int]] = []

    def close(self, index: int, cycle: int, row_bits: int) -> LayerTrace:
        table = np.array([row[:3] for row in self.rows], np.int64).reshape(-1, 3)
        rows = RowWrites(
            cycle=table[:, 0],
            memory=table[:, 1],
            address=table[:, 2],
            bits=_bits(self.rows, row_bits),
        )
        return LayerTrace(index, rows, self.scores, self.keep, cycle)


def _bits(rows: list[tuple[int, int, int, str]], row_bits: int) -> NDArray[np.uint8]:
    """uint8 (rows, row_bits): bit i of each row's hexadecimal word in column i.

    Raises ValueError where the simulation printed an undefined bit.
    """
    for cycle, _, address, word in rows:
        if not set(word) <= _DIGITS:
            raise ValueError(f"row {address} of cycle {cycle} has undefined bits: {word}")
    digits = -(-row_bits // 8) * 2
    data = bytes.fromhex("".join(row[3].zfill(digits) for row in rows))
    packed = np.frombuffer(data, np.uint8).reshape(len(rows), digits // 2)[:, ::-1]
    return np.unpackbits(packed, axis=1, bitorder="little")[:, :row_bits]
