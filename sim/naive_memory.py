"""Naive twin, storage: activation memories slot by slot, read channel and loader beat by beat."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import RECORD_FIELDS, TILE_FIELDS


class Memories:
    """Spike and count memory, (slots, adders), the token list, scores and logits of an engine."""

    def __init__(self, engine: EngineConfig) -> None:
        slots = derived.line_slots(engine)
        self.engine = engine
        self.spikes = np.zeros((derived.spike_lines(engine) * slots, engine.time_steps), np.int64)
        self.counts = np.zeros((derived.count_lines(engine) * slots, engine.time_steps), np.int64)
        self.tokens = list(range(engine.max_tokens))
        self.scores: dict[int, int] = {}
        self.logits: dict[int, int] = {}

    def word(self, memory: np.ndarray, address: int) -> np.ndarray:
        """A copy of the (chunk, adders) slots of a word."""
        return memory[address * self.engine.chunk : (address + 1) * self.engine.chunk].copy()

    def row(self, memory: np.ndarray, address: int) -> np.ndarray:
        """The (pitch, adders) slots of a row, to read or to change."""
        pitch = derived.lane_pitch(self.engine)
        return memory[address * pitch : (address + 1) * pitch]


@dataclass
class _Burst:
    address_cycle: int
    beats: int


class ReadChannel:
    """An AXI read master in front of a deterministic memory; one command at a time.

    A consumer is asked `ready(cycle)` and then given `accept(cycle, beat)`.
    """

    def __init__(self, engine: EngineConfig, image: bytes) -> None:
        self._engine, self._image = engine, image
        self._width = engine.axi_data_bits // 8
        self._flying: deque[_Burst] = deque()
        self._unasked = self._unread = self._place = 0
        self._begin = 0
        self._last_beat = -(10**9)
        self.received = 0

    def command(self, cycle: int, offset: int, beats: int, consumer: Consumer) -> None:
        """Starts to read `beats` beats at `offset` of the image."""
        self._begin, self._place = cycle + 1, offset
        self._unasked = self._unread = beats
        self._consumer = consumer

    @property
    def idle(self) -> bool:
        """Whether all beats of the command have come."""
        return self._unread == 0

    def tick(self, cycle: int) -> None:
        """One cycle: at most one address and one beat."""
        asks = len(self._flying) < derived.OUTSTANDING_BURSTS and cycle >= self._begin
        if self._unasked and asks:
            beats = min(derived.BURST_BEATS, self._unasked)
            self._unasked -= beats
            self._flying.append(_Burst(cycle, beats))
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


class PixelLoader:
    """Writes the words of each beat's pixels, one a cycle."""

    def __init__(self, memories: Memories, base: int, pixels: int) -> None:
        self._memories, self._base, self._left = memories, base, pixels
        self._busy_until = -1
        self.written = 0

    def idle(self, cycle: int) -> bool:
        """Whether the last word was written before `cycle`."""
        return self._left == 0 and cycle > self._busy_until

    def ready(self, cycle: int) -> bool:
        """In the cycle of the last write, or later."""
        return cycle >= self._busy_until

    def accept(self, cycle: int, beat: int) -> None:
        """Writes the pixels of a beat from the next cycle on."""
        engine = self._memories.engine
        passes = derived.pixel_passes(engine)
        for index in range(min(self._left, derived.pixels_per_beat(engine))):
            pixel = (beat >> (32 * index)) & 0xFFFFFFFF
            for p in range(passes):
                address = (self._base + self.written) * engine.chunk
                self._memories.spikes[address : address + engine.chunk] = pixel_word(
                    engine, pixel, p
                )
                self.written += 1
                self._busy_until = max(cycle, self._busy_until) + 1
            self._left -= 1


def pixel_word(engine: EngineConfig, pixel: int, walk: int) -> np.ndarray:
    """(chunk, adders) bits of a 32-bit pixel in one pass."""
    word = np.zeros((engine.chunk, engine.time_steps), np.int64)
    for channel in range(4):
        value = (pixel >> (8 * channel)) & 0xFF
        for a in range(engine.time_steps):
            word[channel, a] = (value >> (walk * engine.time_steps + a)) & 1
    return word


@dataclass
class TileLane:
    """What a lane knows of its tile: constants, and weights by slot of each mask word."""

    constants: dict[str, int]
    words: list[dict[int, int]] = field(default_factory=list)


@dataclass
class Tile:
    """A loaded tile. avail: the first cycle its walk may begin."""

    row: int
    lanes: list[TileLane]
    avail: int


class Loader:
    """Takes the weight stream; hands each complete tile to `deliver(cluster, tile)`.

    may_load(cluster, index): whether the cluster's index-th tile has a free half.
    """

    def __init__(
        self,
        engine: EngineConfig,
        may_load: Callable[[int, int], bool],
        deliver: Callable[[int, Tile], None],
    ) -> None:
        self._engine, self._may_load, self._deliver = engine, may_load, deliver
        self._head: dict[str, int] = {}
        self._beats: list[int] = []
        self._counts = [0] * engine.clusters

    def ready(self, cycle: int) -> bool:
        """A header always; the payload once a half is free."""
        cluster = self._head.get("cluster", 0)
        return not self._head or self._may_load(cluster, self._counts[cluster])

    def accept(self, cycle: int, beat: int) -> None:
        """Takes a header or a beat of the payload."""
        if not self._head:
            self._head, self._beats = fields(beat, TILE_FIELDS), []
            return
        self._beats.append(beat)
        lanes = self._parse()
        if len(lanes) == self._head["lanes"]:
            cluster = self._head["cluster"]
            self._counts[cluster] += 1
            self._deliver(cluster, Tile(self._head["row"], lanes, cycle + derived.LOAD_LATENCY))
            self._head = {}

    def _parse(self) -> list[TileLane]:
        """The lanes that are complete; cheap while the packet grows."""
        width, lanes, place = self._engine.axi_data_bits, [], 0
        records = derived.record_beats(self._engine)
        while place + records <= len(self._beats):
            record = fields(join(self._beats[place : place + records], width), RECORD_FIELDS)
            masks = place + records
            weights = masks + self._head["mask_lines"]
            place = weights + record["weight_lines"]
            if place > len(self._beats):
                break
            lanes.append((record, masks, weights, place))
        done = len(lanes) == self._head["lanes"] and place == len(self._beats)
        return [self._lane(*lane) for lane in lanes] if done else []

    def _lane(self, record: dict[str, int], masks: int, weights: int, end: int) -> TileLane:
        width, chunk = self._engine.axi_data_bits, self._engine.chunk
        bits = derived.weight_slot_bits(self._engine)
        mask = join(self._beats[masks:weights], width)
        values = join(self._beats[weights:end], width)
        constants = {
            name: signed(value, RECORD_FIELDS[name][1]) if name != "multiplier" else value
            for name, value in record.items()
        }
        lane, taken = TileLane(constants), 0
        for word in range((weights - masks) * width // chunk):
            found = {}
            for slot in range(chunk):
                if (mask >> (word * chunk + slot)) & 1:
                    found[slot] = signed((values >> (taken * bits)) & ((1 << bits) - 1), bits)
                    taken += 1
            lane.words.append(found)
        return lane


def fields(value: int, table: dict[str, tuple[int, int]]) -> dict[str, int]:
    """Named bit fields of an integer."""
    return {name: (value >> low) & ((1 << bits) - 1) for name, (low, bits) in table.items()}


def join(beats: list[int], width: int) -> int:
    """Beats as one integer, first beat lowest."""
    return sum(beat << (width * i) for i, beat in enumerate(beats))


def signed(value: int, bits: int) -> int:
    """Two's complement."""
    return value - (1 << bits) if value >> (bits - 1) else value
