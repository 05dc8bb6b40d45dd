"""The word under broadcast: its planes go to the lanes one a cycle."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bits import at_most_one, encode, lowest_one, union
from hw.cluster_layouts import beat_layout, mask_layout
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


def word_layout(engine: EngineConfig) -> data.StructLayout:
    """A word with the lanes' masks: bit p of `planes` asks for plane p, shifted by `shift` + p.

    `values` holds one vector of slots per plane and step; `final` marks the layer's last scan.
    """
    vectors = data.ArrayLayout(engine.chunk, engine.time_steps)
    return data.StructLayout(
        {
            "values": data.ArrayLayout(vectors, engine.count_bits),
            "planes": engine.count_bits,
            "shift": 3,
            "last": 1,
            "final": 1,
            "half": 1,
            "active": derived.tile_channels(engine),
            "masks": data.ArrayLayout(mask_layout(engine), derived.tile_channels(engine)),
        }
    )


class BroadcastRegister(wiring.Component):
    """Holds a word and emits a beat per non-silent plane, one a cycle, lowest plane first.

    A word taken in c stands in the register from c + 1 on and may emit in that cycle; the next word
    is taken in the cycle the last beat is emitted. A word without a beat is dropped after one
    cycle, but the last one of a walk emits at least one. A beat waits while an active lane that it
    would enter is full.

    Members:
        i: words.
        beat: shared part of the beat.
        matches: per channel, mask and non-silent slots.
        masks: per channel, mask and weight offset.
        push: per lane, the beat enters its queue in this cycle.
        full: per lane, its queue has no place.
        standing: a word is in the register.
        skipped, emitted, stalled: it has no beat, emits one, or waits.
        leaving, final: the word goes in this cycle; it was the layer's last.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        lanes, channels = engine.lanes, derived.tile_channels(engine)
        super().__init__(
            {
                "i": In(stream.Signature(word_layout(engine))),
                "beat": Out(beat_layout(engine)),
                "matches": Out(data.ArrayLayout(engine.chunk, channels)),
                "masks": Out(data.ArrayLayout(mask_layout(engine), channels)),
                "push": Out(lanes),
                "full": In(lanes),
                "standing": Out(1),
                "skipped": Out(1),
                "emitted": Out(1),
                "stalled": Out(1),
                "leaving": Out(1),
                "final": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self._engine
        word = Signal(word_layout(engine))
        slots = Signal(engine.chunk)
        wanted, blocked = Signal(engine.lanes), Signal()
        plane = Signal(engine.count_bits)
        wants, only = Signal(), Signal()

        def select_plane() -> None:
            m.d.comb += plane.eq(lowest_one(word.planes))
            for step in range(engine.time_steps):
                vectors = [Mux(plane[p], word.values[p][step], 0) for p in range(engine.count_bits)]
                m.d.comb += self.beat.spikes[step].eq(union(vectors))
            m.d.comb += slots.eq(union(self.beat.spikes))

        def match_lanes() -> None:
            for channel, match in enumerate(self.matches):
                m.d.comb += match.eq(Mux(word.active[channel], slots & word.masks[channel].mask, 0))
            for lane in range(engine.lanes):
                met = Cat(match.any() for match in self.matches[lane :: engine.lanes]).any()
                m.d.comb += wanted[lane].eq(met | (word.active[lane] & self.beat.last))
            m.d.comb += [blocked.eq((wanted & self.full).any()), self.masks.eq(word.masks)]

        select_plane()
        match_lanes()
        m.d.comb += [
            wants.eq(self.standing & (word.planes.any() | word.last)),
            only.eq(at_most_one(word.planes)),
            self.beat.shift.eq(word.shift + encode(plane)),
            self.beat.last.eq(word.last & only),
            self.beat.half.eq(word.half),
            self.push.eq(Mux(self.emitted, wanted, 0)),
            self.emitted.eq(wants & ~blocked),
            self.stalled.eq(wants & blocked),
            self.skipped.eq(self.standing & ~wants),
            self.leaving.eq(self.skipped | (self.emitted & only)),
            self.final.eq(word.final),
            self.i.ready.eq(~self.standing | self.leaving),
        ]
        with m.If(self.i.ready):
            m.d.sync += [self.standing.eq(self.i.valid), word.eq(self.i.p)]
        with m.Elif(self.emitted):
            m.d.sync += word.planes.eq(word.planes & ~plane)
        return m
