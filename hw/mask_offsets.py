"""Mask offsets: counts the weights that stand before each mask word of a lane."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.layouts import offset_bits
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class MaskOffsets(wiring.Component):
    """Prefix sums of popcounts over the mask words of a lane.

    Timing: for a beat at e, `offsets` stand in e + 1; one beat a cycle.

    Members:
        valid, masks: a beat of mask words.
        first: this beat begins a lane.
        offsets: ones before each word of the previous cycle's beat, from its lane's start.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        self.bits = offset_bits(engine)
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "masks": In(engine.axi_data_bits),
                "offsets": Out(
                    data.ArrayLayout(self.bits, derived.masks_per_beat(engine)),
                ),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        chunk = self.engine.chunk
        words = derived.masks_per_beat(self.engine)
        counts = [Signal(range(chunk + 1), name=f"count_{i}") for i in range(words)]
        valid, first = Signal(), Signal()
        before = Signal(self.bits)
        m.d.sync += [valid.eq(self.valid), first.eq(self.first)]
        for i, count in enumerate(counts):
            m.d.sync += count.eq(sum(self.masks.word_select(i, chunk)))
        start = Mux(first, 0, before)
        for i in range(words):
            m.d.comb += self.offsets[i].eq(start + sum(counts[:i]))
        with m.If(valid):
            m.d.sync += before.eq(start + sum(counts))
        return m
