"""Content of the external memory of one launch: programs, images and room for logits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sparsespike.contract.derived import PAGE_BYTES, PIXEL_BYTES

_FILL = 0xA5
LEAST_BEATS = {"verilator": 1 << 17, "icarus": 1 << 12}
"""So that launches of one engine share one build, however much they hold; the time that Icarus
takes to read a memory grows with its square."""


class MemoryImage:
    """Regions one after the other, each on its own 4 KiB pages; gaps hold a pattern, never 0."""

    def __init__(self, *, beat_bytes: int, simulator: str = "verilator") -> None:
        self.beat_bytes = beat_bytes
        self._least_beats = LEAST_BEATS[simulator]
        self._parts: list[bytes] = [bytes([_FILL]) * PAGE_BYTES]
        self._end = PAGE_BYTES

    def add(self, data: bytes) -> int:
        """Address of a new region that holds `data`; at least one spare page follows it."""
        address = self._end
        padding = PAGE_BYTES - len(data) % PAGE_BYTES + PAGE_BYTES
        self._parts.append(data + bytes([_FILL]) * padding)
        self._end += len(data) + padding
        return address

    @property
    def beats(self) -> int:
        """Beats of the whole memory, a power of two."""
        return max(self._least_beats, 1 << (self._end // self.beat_bytes - 1).bit_length())

    def content(self) -> bytes:
        """All bytes of the whole memory, from address 0."""
        return b"".join(self._parts).ljust(self.beats * self.beat_bytes, bytes([_FILL]))

    def hex_text(self) -> str:
        """One beat a line, for $readmemh."""
        content = np.frombuffer(self.content(), np.uint8)
        beats = content.reshape(-1, self.beat_bytes)[:, ::-1]
        return beats.tobytes().hex("\n", self.beat_bytes) + "\n"

    def write(self, directory: Path) -> None:
        """Writes memory.hex (one beat a line, for $readmemh) and memory.bin."""
        (directory / "memory.hex").write_text(self.hex_text())
        (directory / "memory.bin").write_bytes(self.content())


def pixel_bytes(image: NDArray[np.uint8]) -> bytes:
    """One image (H, W, C) as the engine reads it: four bytes a pixel, byte c is channel c."""
    height, width, channels = image.shape
    pixels = np.zeros((height, width, PIXEL_BYTES), np.uint8)
    pixels[:, :, :channels] = image
    return pixels.tobytes()
