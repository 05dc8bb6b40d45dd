"""Naive twin, external memory: an AXI read channel in front of a deterministic memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class Consumer(Protocol):
    """Something that takes beats."""

    def ready(self, cycle: int) -> bool:
        """Whether it takes a beat in this cycle."""
        ...

    def accept(self, cycle: int, beat: int) -> None:
        """Takes a beat."""
        ...


class Sink:
    """Takes every beat and keeps none."""

    def ready(self, cycle: int) -> bool:
        """Always."""
        return True

    def accept(self, cycle: int, beat: int) -> None:
        """Drops it."""


@dataclass
class _Burst:
    address_cycle: int
    beats: int


class ReadChannel:
    """One command at a time; bursts in flight, beats in order.

    A consumer is asked `ready(cycle)` and then given `accept(cycle, beat)`.
    """

    def __init__(self, engine: EngineConfig, image: bytes) -> None:
        self._engine, self._image = engine, image
        self._width = engine.axi_data_bits // 8
        self._flying: deque[_Burst] = deque()
        self._unasked: deque[int] = deque()
        self._unread = self._place = self._begin = 0
        self._consumer: Consumer = Sink()
        self._last_beat = -(10**9)
        self.received = 0

    def command(self, cycle: int, offset: int, beats: int, consumer: Consumer) -> None:
        """Starts to read `beats` beats at `offset` of the image."""
        self._begin, self._place = cycle + 1, offset
        self._unasked = deque(derived.burst_sizes(self._engine, offset, beats))
        self._unread = beats
        self._consumer = consumer

    @property
    def idle(self) -> bool:
        """Whether all beats of the command have come."""
        return self._unread == 0

    def tick(self, cycle: int) -> None:
        """One cycle: at most one address and one beat."""
        asks = len(self._flying) < derived.OUTSTANDING_BURSTS and cycle >= self._begin
        if self._unasked and asks:
            self._flying.append(_Burst(cycle, self._unasked.popleft()))
        if not self._flying:
            return
        burst = self._flying[0]
        there = cycle >= burst.address_cycle + self._engine.memory_latency
        paced = cycle >= self._last_beat + self._engine.memory_interval
        if there and paced and self._consumer.ready(cycle):
            data = self._image[self._place : self._place + self._width]
            self._place += self._width
            self._last_beat = cycle
            self.received += 1
            self._unread -= 1
            burst.beats -= 1
            if not burst.beats:
                self._flying.popleft()
            self._consumer.accept(cycle, int.from_bytes(data, "little"))
