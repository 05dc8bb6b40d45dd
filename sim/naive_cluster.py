"""Naive twin, front of a cluster: address generator, broadcast register and lanes, by the cycle."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from sim.naive_memory import Memories, Tile, TileLane, pixel_word
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import Accumulate

Fields = dict[str, int]


@dataclass
class Beat:
    """One plane of a word on its way to the lanes; spikes: steps of each non-silent slot."""

    spikes: dict[int, tuple[int, ...]]
    shift: int
    last: bool


@dataclass
class Scan:
    """A word, the mask word it meets, and the beats it will become."""

    tile: Tile
    mask: int
    beats: list[Beat]
    opens_tile: bool


class AddressGenerator:
    """Scans of a cluster's tiles, in the order of docs/engine.md section 3."""

    def __init__(self, layer: Fields, memories: Memories) -> None:
        self._layer, self._memories = layer, memories

    def tile_scans(self, tile: Tile) -> Iterator[Scan]:
        """All scans of one tile."""
        d, opens = self._layer, True
        for n in range(d["tokens"]):
            for g in range(d["groups"]):
                words = list(self._walk(n, g))
                ends = self._ends(n, g)
                for place, (values, mask, shift) in enumerate(words):
                    last = ends and place == len(words) - 1
                    yield Scan(tile, mask, self._beats(values, shift, last), opens)
                    opens = False

    def _ends(self, n: int, g: int) -> bool:
        d = self._layer
        group = g == d["groups"] - 1
        rules = {
            Accumulate.GROUP: True,
            Accumulate.TOKEN: group,
            Accumulate.ALL: group and n == d["tokens"] - 1,
        }
        return rules[Accumulate(d["accumulate"])]

    def _walk(self, n: int, g: int) -> Iterator[tuple[np.ndarray, int, int]]:
        """(values, mask word, shift) of the words of one position and group."""
        d, memories = self._layer, self._memories
        source = memories.counts if d["source_counts"] else memories.spikes
        if not d["convolution"]:
            q = memories.tokens[n] if d["use_list"] else n
            first = d["source_base"] + (q * d["groups"] + g) * d["source_stride"]
            for c in range(d["chunks"]):
                yield memories.word(source, first + c), c, 0
            return
        y, x = divmod(n, d["width"])
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                near = (dy + 1) * 3 + dx + 1
                inside = 0 <= y + dy < d["height"] and 0 <= x + dx < d["width"]
                q = (y + dy) * d["width"] + x + dx
                for c in range(d["chunks"]):
                    if d["pixel"]:
                        yield self._pixel(q if inside else -1, c), near, c * self._adders
                    elif inside:
                        first = d["source_base"] + (q * d["groups"] + g) * d["source_stride"]
                        yield memories.word(source, first + c), near * d["chunks"] + c, 0

    @property
    def _adders(self) -> int:
        return self._memories.engine.time_steps

    def _pixel(self, q: int, walk: int) -> np.ndarray:
        d, memories = self._layer, self._memories
        if q < 0:
            return pixel_word(memories.engine, d["pad"], walk)
        return memories.word(memories.spikes, d["source_base"] + q * d["source_stride"] + walk)

    def _beats(self, values: np.ndarray, shift: int, last: bool) -> list[Beat]:
        beats = []
        for plane in range(self._layer["planes"]):
            bits = (values >> plane) & 1
            spikes = {int(s): tuple(map(int, bits[s])) for s in np.flatnonzero(bits.any(axis=1))}
            if spikes:
                beats.append(Beat(spikes, shift + plane, False))
        if last:
            beats = beats or [Beat({}, shift, False)]
            beats[-1].last = True
        return beats


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
        self.counters["additions"] += sum(steps)
        self._sums = [value + weight * bit for value, bit in zip(self._sums, steps, strict=True)]


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
        active = list(zip(self._lanes, scan.tile.lanes, strict=False))
        if not scan.beats:
            self._counters["chunks_skipped"] += 1
            self._register = None
            return
        beat = scan.beats[self._next_beat]
        entering = []
        for lane, tile_lane in active:
            matches = _matches(tile_lane, scan.mask, beat)
            if matches or beat.last:
                entering.append((lane, matches))
        if any(lane.full for lane, _ in entering):
            self._counters["broadcast_stalls"] += 1
            return
        self._counters["chunks_broadcast"] += 1
        for lane, matches in entering:
            lane.push(cycle, beat, matches)
        self._next_beat += 1
        if self._next_beat == len(scan.beats):
            self._register, self._next_beat = None, 0


def _matches(lane: TileLane, word: int, beat: Beat) -> list[tuple[int, int]]:
    known = lane.words[word]
    return sorted((slot, known[slot]) for slot in beat.spikes if slot in known)
