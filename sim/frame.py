"""A frame before its first layer: header, descriptors and image are read, pixels become words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.clusters import LONG_AGO
from sim.state import Memory
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import Program

_BITS = derived.PIXEL_BITS


@dataclass(frozen=True, eq=False)
class FrameStart:
    """Times that no image can change, in cycles.

    Attributes:
        first_layer: L_0, the cycle in which the first layer begins.
        weights: the cycle of the weight stream's command.
        reads: cycles of all beats read before the weight stream.
    """

    first_layer: int
    weights: int
    reads: NDArray[np.int64]


def frame_start(program: Program) -> FrameStart:
    """When the frame's parts arrive from a deterministic memory."""
    engine, header = program.engine, program.header
    beat_bytes = engine.axi_data_bits // 8
    words = derived.pixels_per_beat(engine) * derived.pixel_passes(engine)
    pixels, per_beat = header["pixels"], derived.pixels_per_beat(engine)
    size = derived.DESCRIPTOR_BYTES
    parts = (
        # address within its page, beats, cycles after the beat before, cycles between beats
        (0, size // beat_bytes, 1, 1),
        (size, header["layers"] * size // beat_bytes, 2, 1),
        (0, derived.ceil_div(pixels, per_beat), 1, words),
    )
    reads: list[int] = []
    for address, beats, delay, spacing in parts:
        command = (reads[-1] if reads else 0) + delay
        bursts = derived.burst_sizes(engine, address, beats)
        reads += _read(engine, command, bursts, reads[-1] if reads else LONG_AGO, spacing)
    last_words = (pixels - (parts[-1][1] - 1) * per_beat) * derived.pixel_passes(engine)
    return FrameStart(reads[-1] + last_words + 1, reads[-1] + 1, np.array(reads, np.int64))


def _read(
    engine: EngineConfig, command: int, bursts: list[int], previous: int, spacing: int
) -> list[int]:
    """Cycles of a command's beats; previous: last beat before; spacing: least cycles between."""
    times: list[int] = []
    ends: list[int] = []
    asked = command
    for size in bursts:
        asked += 1
        if len(ends) >= derived.OUTSTANDING_BURSTS:
            asked = max(asked, ends[-derived.OUTSTANDING_BURSTS] + 1)
        for _ in range(size):
            gap = max(engine.memory_interval, spacing) if times else engine.memory_interval
            previous = max(previous + gap, asked + engine.memory_latency)
            times.append(previous)
        ends.append(previous)
    return times


def store_pixels(program: Program, memory: Memory, image: NDArray[np.uint8], pad: int) -> None:
    """Writes an image (H, W, channels) and the words of its surroundings into the spike memory.

    pad: the first layer's `pad` field, one byte a channel.
    """
    engine, base = program.engine, program.header["pixel_base"]
    passes, steps = derived.pixel_passes(engine), engine.time_steps
    pixels = image.reshape(-1, image.shape[-1]).astype(np.uint64)
    border = (np.uint64(pad) >> np.arange(0, 32, 8, dtype=np.uint64)) & np.uint64(255)
    words = len(pixels) * passes
    memory.spikes[base : base + words, 0] = _pixel_words(pixels, passes, steps)
    memory.spikes[memory.pad_word :, 0] = _pixel_words(border[None], passes, steps)


@njit(cache=True, nogil=True)
def _pixel_words(pixels: NDArray[np.uint64], passes: int, steps: int) -> NDArray[np.uint64]:
    """(pixels * passes, steps) words; bit c of a word is the bit of channel c."""
    words = np.zeros((len(pixels) * passes, steps), np.uint64)
    for q in range(len(pixels)):
        for bit in range(_BITS):
            word = np.uint64(0)
            for c in range(pixels.shape[1]):
                one = (pixels[q, c] >> np.uint64(bit)) & np.uint64(1)
                word |= one << np.uint64(c)
            words[q * passes + bit // steps, bit % steps] = word
    return words
