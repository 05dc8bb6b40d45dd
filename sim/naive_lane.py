"""Naive twin, lane: a queue of matched beats, an issue stage, an output register."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


@dataclass
class Beat:
    """One digit of a word on its way to the lanes; spikes: digits, by step, of non-silent slots."""

    spikes: dict[int, tuple[int, ...]]
    shift: int
    last: bool


@dataclass
class _Entry:
    pushed: int
    work: list[tuple[int, tuple[int, ...]]]
    last: bool
    issued: int = 0


class Lane:
    """A queue of matched beats, an issue stage, and the output register."""

    def __init__(self, engine: EngineConfig, counters: Counter[str]) -> None:
        self._engine, self.counters = engine, counters
        self._queue: deque[_Entry] = deque()
        self._current: _Entry | None = None
        self._sums = [0] * engine.time_steps
        self.output: tuple[int, list[int]] | None = None

    @property
    def full(self) -> bool:
        """Whether a beat cannot enter in this cycle (after `tick`)."""
        return len(self._queue) >= self._engine.fifo_depth

    @property
    def idle(self) -> bool:
        """Whether nothing is queued, issuing or waiting to be taken."""
        return not self._queue and self._current is None and self.output is None

    def push(self, cycle: int, beat: Beat, matches: list[tuple[int, int]]) -> None:
        """A beat enters; matches: (slot, weight), lowest slot first."""
        work = [(weight << beat.shift, beat.spikes[slot]) for slot, weight in matches]
        self._queue.append(_Entry(cycle, work, beat.last))
        self.counters["queue_entries"] += 1

    def tick(self, cycle: int) -> None:
        """Issues one match, or the empty final issue of a walk."""
        if self._current is None and self._queue and self._queue[0].pushed + 2 <= cycle:
            self._current = self._queue.popleft()
        entry = self._current
        if entry is None:
            return
        final = entry.issued >= len(entry.work) - 1
        if final and entry.last and self.output is not None:
            self.counters["lane_output_stalls"] += 1
            return
        if entry.work:
            self._issue(*entry.work[entry.issued])
        entry.issued += 1
        if final:
            self._current = None
            if entry.last:
                self.output = (cycle + derived.LANE_LATENCY, self._sums)
                self._sums = [0] * self._engine.time_steps

    def _issue(self, weight: int, steps: tuple[int, ...]) -> None:
        self.counters["weights_read"] += 1
        self.counters["additions"] += sum(digit > 0 for digit in steps)
        pairs = zip(self._sums, steps, strict=True)
        self._sums = [value + weight * digit for value, digit in pairs]
