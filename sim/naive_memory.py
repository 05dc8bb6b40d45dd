"""Naive twin, storage: activation memories slot by slot, and the loader of pixels."""

from __future__ import annotations

import numpy as np

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


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
