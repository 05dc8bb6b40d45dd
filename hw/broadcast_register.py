"""The word under broadcast: its digits go to the lanes one a cycle."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bits import at_most_one, encode, lowest_one, union
from hw.cluster_layouts import beat_layout, digit_vectors, mask_layout
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


def word_layout(engine: EngineConfig) -> data.StructLayout:
    """A word with the lanes' masks: bit j of `digits` asks for digit j.

    Digit j is shifted by `shift` + j * digit_bits. `values` holds each digit's vectors of slots;
    `final` marks the layer's last scan.
    """
    digits = derived.count_digits(engine)
    return data.StructLayout(
        {
            "values": data.ArrayLayout(digit_vectors(engine), digits),
            "digits": digits,
            "shift": 3,
            "last": 1,
            "final": 1,
            "half": 1,
            "active": engine.lanes,
            "masks": data.ArrayLayout(mask_layout(engine), engine.lanes),
        }
    )


class BroadcastRegister(wiring.Component):
    """Holds a word and emits a beat per non-silent digit, one a cycle, lowest digit first.

    A word taken in c stands in the register from c + 1 on and may emit in that cycle; the next word
    is taken in the cycle the last beat is emitted. A word without a beat is dropped after one
    cycle, but the last one of a walk emits at least one. A beat waits while an active lane that it
    would enter is full.

    Members:
        i: words.
        beat: shared part of the beat.
        matches: per lane, mask and non-silent slots.
        masks: per lane, mask and weight offset.
        push: per lane, the beat enters its queue in this cycle.
        full: per lane, its queue has no place.
        standing: a word is in the register.
        skipped, emitted, stalled: it has no beat, emits one, or waits.
        leaving, final: the word goes in this cycle; it was the layer's last.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        lanes = engine.lanes
        super().__init__(
            {
                "i": In(stream.Signature(word_layout(engine))),
                "beat": Out(beat_layout(engine)),
                "matches": Out(data.ArrayLayout(engine.chunk, lanes)),
                "masks": Out(data.ArrayLayout(mask_layout(engine), lanes)),
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
        digit = Signal(derived.count_digits(engine))
        wants, only = Signal(), Signal()

        def select_digit() -> None:
            m.d.comb += digit.eq(lowest_one(word.digits))
            for index, vector in enumerate(self.beat.spikes):
                vectors = [Mux(digit[j], word.values[j][index], 0) for j in range(len(digit))]
                m.d.comb += vector.eq(union(vectors))
            m.d.comb += slots.eq(union(self.beat.spikes))

        def match_lanes() -> None:
            for lane in range(engine.lanes):
                match = slots & word.masks[lane].mask
                m.d.comb += self.matches[lane].eq(match)
                m.d.comb += wanted[lane].eq(word.active[lane] & (match.any() | self.beat.last))
            m.d.comb += [blocked.eq((wanted & self.full).any()), self.masks.eq(word.masks)]

        select_digit()
        match_lanes()
        m.d.comb += [
            wants.eq(self.standing & (word.digits.any() | word.last)),
            only.eq(at_most_one(word.digits)),
            self.beat.shift.eq(word.shift + Cat(Const(0, engine.digit_bits - 1), encode(digit))),
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
            m.d.sync += word.digits.eq(word.digits & ~digit)
        return m
