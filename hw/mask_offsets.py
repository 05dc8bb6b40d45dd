"""Mask offsets: counts the weights that stand before each mask word of a lane."""

from __future__ import annotations

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.bits import popcount
from hw.layouts import offset_bits
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class MaskOffsets(wiring.Component):
    """Spreads beats of masks over cycles, a word of each of its lanes at a time, and counts.

    Timing: for a beat at e, its first words and their offsets stand in e + 1, the next ones in
    e + 2 and so on; `more` says that others follow, `valid` has to be low then.

    Members:
        valid, masks: a beat of mask words.
        first: the beat is of a tile's first line; group: which lanes it is of.
        word: place of the words within their line; words: a mask word of each lane of the group.
        offsets: ones before each of them, from its lane's start.
        more: words of this beat follow.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        self.bits = offset_bits(engine)
        lanes = derived.mask_lanes(engine)
        self.groups = derived.mask_line_beats(engine, derived.tile_channels(engine))
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "group": In(range(max(2, self.groups))),
                "masks": In(engine.axi_data_bits),
                "word": Out(range(max(2, derived.words_per_mask_line(engine)))),
                "words": Out(lanes * engine.chunk),
                "offsets": Out(data.ArrayLayout(self.bits, lanes)),
                "more": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        chunk, lanes = self.engine.chunk, derived.mask_lanes(self.engine)
        last = derived.words_per_mask_line(self.engine) - 1
        counted = range(derived.masks_per_beat(self.engine))
        counts = [Signal(range(chunk + 1), name=f"count_{i}") for i in counted]
        masks, group = Signal.like(self.masks), Signal.like(self.group)
        standing, first = Signal(), Signal()
        m.d.comb += [self.more.eq(standing & (self.word != last)), self.words.eq(masks)]
        m.d.sync += [standing.eq(self.valid | self.more), self.word.eq(0)]
        with m.If(self.valid):
            m.d.sync += [first.eq(self.first), group.eq(self.group), masks.eq(self.masks)]
            for i, count in enumerate(counts):
                m.d.sync += count.eq(popcount(self.masks.word_select(i, chunk)))
        with m.Elif(self.more):
            m.d.sync += [self.word.eq(self.word + 1), masks.eq(masks >> lanes * chunk)]
            m.d.sync += [now.eq(later) for now, later in zip(counts, counts[lanes:], strict=False)]
        for lane in range(lanes):
            before = Array(Signal(self.bits, name=f"b_{lane}_{g}") for g in range(self.groups))
            start = Mux(first & (self.word == 0), 0, before[group])
            m.d.comb += self.offsets[lane].eq(start)
            with m.If(standing):
                m.d.sync += before[group].eq(start + counts[lane])
        return m
