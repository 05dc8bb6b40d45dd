"""Mask offsets: counts the weights that stand before each mask word of a lane."""

from __future__ import annotations

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.bits import popcount, tree_sum
from hw.layouts import offset_bits
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class MaskOffsets(wiring.Component):
    """Counts the ones of mask lines, a word of each of their channels.

    Timing: the offsets of a line at e stand in e + 1, its words beside them.

    Members:
        valid, masks: a mask line.
        first: its words are a tile's first; group: which channels it is of.
        words: a mask word of each channel of the group.
        offsets: ones before each of them, from its channel's start.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        self.bits = offset_bits(engine)
        lanes = derived.mask_lanes(engine)
        self.groups = derived.mask_groups(engine, derived.tile_channels(engine))
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "group": In(range(max(2, self.groups))),
                "masks": In(lanes * engine.chunk),
                "words": Out(lanes * engine.chunk),
                "offsets": Out(data.ArrayLayout(self.bits, lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        chunk = self.engine.chunk
        group = Signal.like(self.group)
        standing, first = Signal(), Signal()
        m.d.sync += [
            standing.eq(self.valid),
            first.eq(self.first),
            group.eq(self.group),
            self.words.eq(self.masks),
        ]
        for lane in range(derived.mask_lanes(self.engine)):
            # Counted nibble by nibble before the register, added up behind it.
            word = self.masks.word_select(lane, chunk)
            parts = []
            for low in range(0, chunk, derived.NIBBLE_BITS):
                ones = Signal(range(derived.NIBBLE_BITS + 1), name=f"ones_{lane}_{low}")
                m.d.sync += ones.eq(popcount(word[low : low + derived.NIBBLE_BITS]))
                parts.append(ones)
            count = Signal(range(chunk + 1), name=f"count_{lane}")
            m.d.comb += count.eq(tree_sum(parts))
            before = Array(Signal(self.bits, name=f"b_{lane}_{g}") for g in range(self.groups))
            start = Mux(first, 0, before[group])
            m.d.comb += self.offsets[lane].eq(start)
            with m.If(standing):
                m.d.sync += before[group].eq(start + count)
        return m
