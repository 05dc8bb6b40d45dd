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
    """A word with the channels' masks: bit j of `digits` asks for digit j.

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
            "active": derived.tile_channels(engine),
            "masks": data.ArrayLayout(mask_layout(engine), derived.tile_channels(engine)),
        }
    )


class BroadcastRegister(wiring.Component):
    """Takes words and emits a beat per non-silent digit, one a cycle, lowest digit first.

    Three elastic stages: a word, the digit picked from it, its matches. The first beat of a word
    taken in c may be emitted from c + 3 on; the next word's stands there in
    the cycle after the last beat is emitted. A word without a beat stands there for one cycle, but
    the last one of a walk emits at least one. A beat waits while an active lane that it would enter
    is full.

    Members:
        i: words.
        beat: shared part of the beat.
        matches: per channel, mask and non-silent slots.
        masks: per channel, mask and weight offset.
        push: per lane, the beat enters its queue in this cycle.
        full: per lane, its queue has no place.
        standing: a word stands where beats are emitted.
        skipped, emitted, stalled: it has no beat, emits one, or waits.
        leaving, final: the word goes in this cycle; it was the layer's last.
        active: its active channels.
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
                "active": Out(channels),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self._engine
        word, occupied = Signal(word_layout(engine)), Signal()
        picked, ready = Signal(_picked_layout(engine)), Signal(_ready_layout(engine))
        picked_moves, ready_moves = Signal(), Signal()

        def take_word() -> None:
            only = at_most_one(word.digits)
            m.d.comb += self.i.ready.eq(~occupied | (picked_moves & only))
            with m.If(self.i.ready):
                m.d.sync += [occupied.eq(self.i.valid), word.eq(self.i.p)]
            with m.Elif(picked_moves):
                m.d.sync += word.digits.eq(word.digits & ~lowest_one(word.digits))

        def pick_digit() -> None:
            digit, beat = Signal(derived.count_digits(engine)), Signal(beat_layout(engine))
            only = at_most_one(word.digits)
            m.d.comb += digit.eq(lowest_one(word.digits))
            for index, vector in enumerate(beat.spikes):
                vectors = [Mux(digit[j], word.values[j][index], 0) for j in range(len(digit))]
                m.d.comb += vector.eq(union(vectors))
            m.d.comb += [
                beat.shift.eq(word.shift + Cat(Const(0, engine.digit_bits - 1), encode(digit))),
                beat.last.eq(word.last & only),
                beat.half.eq(word.half),
                picked_moves.eq(~picked.valid | ready_moves),
            ]
            with m.If(picked_moves):
                m.d.sync += [
                    picked.valid.eq(occupied),
                    picked.skip.eq(~word.digits.any() & ~word.last),
                    picked.leaves.eq(only),
                    picked.beat.eq(beat),
                    *[picked[name].eq(word[name]) for name in ("final", "active", "masks")],
                ]

        def match_lanes() -> None:
            slots = union(picked.beat.spikes)
            m.d.comb += ready_moves.eq(~ready.valid | self.skipped | self.emitted)
            shared = ("valid", "skip", "leaves", "final", "beat", "active", "masks")
            matches = Signal.like(self.matches)
            for channel, match in enumerate(matches):
                own = slots & picked.masks[channel].mask
                m.d.comb += match.eq(Mux(picked.active[channel], own, 0))
            with m.If(ready_moves):
                m.d.sync += [ready[name].eq(picked[name]) for name in shared]
                m.d.sync += ready.matches.eq(matches)
                for lane in range(engine.lanes):
                    met = Cat(match.any() for match in matches[lane :: engine.lanes]).any()
                    ends = picked.active[lane] & picked.beat.last
                    m.d.sync += ready.wanted[lane].eq(met | ends)

        def emit() -> None:
            blocked, wants = Signal(), Signal()
            m.d.comb += [
                blocked.eq((ready.wanted & self.full).any()),
                wants.eq(ready.valid & ~ready.skip),
                self.standing.eq(ready.valid),
                self.emitted.eq(wants & ~blocked),
                self.stalled.eq(wants & blocked),
                self.skipped.eq(ready.valid & ready.skip),
                self.push.eq(Mux(self.emitted, ready.wanted, 0)),
                self.leaving.eq(self.skipped | (self.emitted & ready.leaves)),
            ]
            for name in ("beat", "matches", "masks", "final", "active"):
                m.d.comb += getattr(self, name).eq(ready[name])

        take_word()
        pick_digit()
        match_lanes()
        emit()
        return m


def _picked_layout(engine: EngineConfig) -> data.StructLayout:
    """A beat, or the sign that its word has none (`skip`); `leaves`: the word's last."""
    flags = ("valid", "skip", "leaves", "final")
    return data.StructLayout(
        {
            **dict.fromkeys(flags, 1),
            "beat": beat_layout(engine),
            "active": derived.tile_channels(engine),
            "masks": data.ArrayLayout(mask_layout(engine), derived.tile_channels(engine)),
        }
    )


def _ready_layout(engine: EngineConfig) -> data.StructLayout:
    """The same with its matches and the lanes that it would enter."""
    matches = data.ArrayLayout(engine.chunk, derived.tile_channels(engine))
    return data.StructLayout(
        {**_picked_layout(engine).members, "matches": matches, "wanted": engine.lanes}
    )
