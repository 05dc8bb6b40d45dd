"""Naive twin, lane: a queue of matched beats, an issue stage, output registers."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

from sim.naive_neuron import OutputRegister
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
    channels: int
    work: list[tuple[int, int, tuple[int, ...]]]
    last: bool
    issued: int = 0


class Lane:
    """A queue of matched beats, an issue stage, and an output register for each of its channels."""

    def __init__(self, engine: EngineConfig, counters: Counter[str]) -> None:
        self._engine, self.counters = engine, counters
        self._queue: deque[_Entry] = deque()
        self._current: _Entry | None = None
        self._sums = self._zeros()
        self.outputs = [OutputRegister() for _ in range(engine.lane_channels)]

    @property
    def full(self) -> bool:
        """Whether a beat cannot enter in this cycle (after `tick`)."""
        return len(self._queue) >= self._engine.fifo_depth

    @property
    def idle(self) -> bool:
        """Whether nothing is queued, issuing or waiting to be taken."""
        return not self._queue and self._current is None and not self._untaken

    def push(self, cycle: int, beat: Beat, words: list[dict[int, int]]) -> None:
        """A beat enters; words: by channel, the weights of its mask word, by slot."""
        silent = (0,) * self._engine.time_steps
        work = [
            (channel, weight << beat.shift, beat.spikes.get(slot, silent))
            for channel, word in enumerate(words)
            for slot, weight in self._issued(word, beat)
        ]
        self._queue.append(_Entry(cycle, len(words), work, beat.last))
        self.counters["queue_entries"] += 1

    def tick(self, cycle: int) -> None:
        """Issues one match, or the empty final issue of a walk."""
        if self._current is None and self._queue and self._queue[0].pushed + 2 <= cycle:
            self._current = self._queue.popleft()
        entry = self._current
        if entry is None:
            return
        final = entry.issued >= len(entry.work) - 1
        if final and entry.last and self._untaken:
            self.counters["lane_output_stalls"] += 1
            return
        if entry.work:
            self._issue(*entry.work[entry.issued])
        entry.issued += 1
        if final:
            self._current = None
            if entry.last:
                for register, sums in zip(self.outputs[: entry.channels], self._sums, strict=False):
                    register.output = (cycle + derived.lane_latency(self._engine), sums)
                self._sums = self._zeros()

    @property
    def _untaken(self) -> bool:
        return any(register.output is not None for register in self.outputs)

    def _issued(self, word: dict[int, int], beat: Beat) -> list[tuple[int, int]]:
        """(slot, weight) of a channel's word that are issued, lowest slot first."""
        matches = {slot: weight for slot, weight in word.items() if slot in beat.spikes}
        serial = self._engine.lane_kind == "serial"
        return sorted((word if serial and matches else matches).items())

    def _zeros(self) -> list[list[int]]:
        return [[0] * self._engine.time_steps for _ in range(self._engine.lane_channels)]

    def _issue(self, channel: int, weight: int, steps: tuple[int, ...]) -> None:
        self.counters["weights_read"] += 1
        self.counters["additions"] += sum(digit > 0 for digit in steps)
        for a, digit in enumerate(steps):
            self._sums[channel][a] += weight * digit
