"""Naive twin, broadcaster: an elastic pipeline of scans and the broadcast register."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from sim.naive_lane import Lane
from sim.naive_walk import Scan
from sparsespike.contract import derived


class Broadcaster:
    """An elastic pipeline of scans that ends in the broadcast register."""

    def __init__(self, lanes: list[Lane], counters: Counter[str]) -> None:
        self._lanes, self._counters = lanes, counters
        self._stages: list[Scan | None] = [None] * (derived.BROADCAST_STAGES - 1)
        self._register: Scan | None = None
        self._next_beat = 0

    def tick(self, cycle: int, draw: Callable[[int], Scan | None], *, more: bool) -> None:
        """Emits at most one beat, moves every scan that can, draws the next.

        more: whether there are scans to draw, now or later.
        """
        if self._register is None:
            self._counters["broadcast_idle"] += more or not self.empty
        else:
            self._emit(cycle, self._register)
        chain = [*self._stages, self._register]
        for place in range(len(chain) - 1, 0, -1):
            if chain[place] is None:
                chain[place], chain[place - 1] = chain[place - 1], None
        if chain[0] is None:
            chain[0] = draw(cycle)
        *self._stages, self._register = chain

    @property
    def empty(self) -> bool:
        """Whether no scan is under way."""
        return self._register is None and not any(self._stages)

    def _emit(self, cycle: int, scan: Scan) -> None:
        if not scan.beats:
            self._counters["chunks_skipped"] += 1
            self._register = None
            return
        beat = scan.beats[self._next_beat]
        entering = []
        for first, lane in enumerate(self._lanes[: len(scan.tile.lanes)]):
            channels = scan.tile.lanes[first :: len(self._lanes)]
            words = [channel.words[scan.mask] for channel in channels]
            if beat.last or any(slot in beat.spikes for word in words for slot in word):
                entering.append((lane, words))
        if any(lane.full for lane, _ in entering):
            self._counters["broadcast_stalls"] += 1
            return
        self._counters["chunks_broadcast"] += 1
        for lane, words in entering:
            lane.push(cycle, beat, words)
        self._next_beat += 1
        if self._next_beat == len(scan.beats):
            self._register, self._next_beat = None, 0
