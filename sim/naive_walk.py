"""Naive twin, address generator: the scans of a tile, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sim.naive_lane import Beat
from sim.naive_loader import Tile
from sim.naive_memory import Memories, pixel_word
from sparsespike.contract.program import Accumulate

Fields = dict[str, int]


@dataclass
class Scan:
    """A word, the mask word it meets, and the beats it will become."""

    tile: Tile
    mask: int
    beats: list[Beat]
    opens_tile: bool


class AddressGenerator:
    """Scans of a cluster's tiles, in the order of docs/engine.md section 3."""

    def __init__(self, layer: Fields, memories: Memories, positions: list[int]) -> None:
        self._layer, self._memories, self._positions = layer, memories, positions

    def tile_scans(self, tile: Tile) -> Iterator[Scan]:
        """All scans of one tile over the cluster's positions."""
        d, opens = self._layer, True
        for n in self._positions:
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
            Accumulate.ALL: group and n == self._positions[-1],
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
        width = self._memories.engine.digit_bits
        for plane in range(0, self._layer["planes"], width):
            digits = (values >> plane) & ((1 << width) - 1)
            loud = np.flatnonzero(digits.any(axis=1))
            spikes = {int(s): tuple(map(int, digits[s])) for s in loud}
            if spikes:
                beats.append(Beat(spikes, shift + plane, False))
        if last:
            beats = beats or [Beat({}, shift, False)]
            beats[-1].last = True
        return beats
