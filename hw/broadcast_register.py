"""The word under broadcast: its planes go to the lanes one a cycle."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bits import at_most_one, encode, lowest_one, union
from hw.cluster_layouts import beat_layout, mask_layout
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
            "active": engine.lanes,
            "masks": data.ArrayLayout(mask_layout(engine), engine.lanes),
        }
    )


class BroadcastRegister(wiring.Component):
    """Takes words and emits a beat per non-silent plane, one a cycle, lowest plane first.

    Three elastic stages: a word, the plane picked from it, its matches. The first beat of a word
    taken in c may be emitted from c + 3 on; the next word's stands there in
    the cycle after the last beat is emitted. A word without a beat stands there for one cycle, but
    the last one of a walk emits at least one. A beat waits while an active lane that it would enter
    is full.

    Members:
        i: words.
        beat: shared part of the beat.
        matches: per lane, mask and non-silent slots.
        masks: per lane, mask and weight offset.
        push: per lane, the beat enters its queue in this cycle.
        full: per lane, its queue has no place.
        standing: a word stands where beats are emitted.
        skipped, emitted, stalled: it has no beat, emits one, or waits.
        leaving, final: the word goes in this cycle; it was the layer's last.
        active: its active lanes.
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
                "active": Out(lanes),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self._engine
        word, occupied = Signal(word_layout(engine)), Signal()
        picked, ready = Signal(_picked_layout(engine)), Signal(_ready_layout(engine))
        picked_moves, ready_moves = Signal(), Signal()

        def take_word() -> None:
            only = at_most_one(word.planes)
            m.d.comb += self.i.ready.eq(~occupied | (picked_moves & only))
            with m.If(self.i.ready):
                m.d.sync += [occupied.eq(self.i.valid), word.eq(self.i.p)]
            with m.Elif(picked_moves):
                m.d.sync += word.planes.eq(word.planes & ~lowest_one(word.planes))

        def pick_plane() -> None:
            plane, beat = Signal(engine.count_bits), Signal(beat_layout(engine))
            only = at_most_one(word.planes)
            m.d.comb += plane.eq(lowest_one(word.planes))
            for step in range(engine.time_steps):
                vectors = [Mux(plane[p], word.values[p][step], 0) for p in range(engine.count_bits)]
                m.d.comb += beat.spikes[step].eq(union(vectors))
            m.d.comb += [
                beat.shift.eq(word.shift + encode(plane)),
                beat.last.eq(word.last & only),
                beat.half.eq(word.half),
                picked_moves.eq(~picked.valid | ready_moves),
            ]
            with m.If(picked_moves):
                m.d.sync += [
                    picked.valid.eq(occupied),
                    picked.skip.eq(~word.planes.any() & ~word.last),
                    picked.leaves.eq(only),
                    picked.beat.eq(beat),
                    *[picked[name].eq(word[name]) for name in ("final", "active", "masks")],
                ]

        def match_lanes() -> None:
            slots = union(picked.beat.spikes)
            m.d.comb += ready_moves.eq(~ready.valid | self.skipped | self.emitted)
            shared = ("valid", "skip", "leaves", "final", "beat", "active", "masks")
            with m.If(ready_moves):
                m.d.sync += [ready[name].eq(picked[name]) for name in shared]
                for lane in range(engine.lanes):
                    match = slots & picked.masks[lane].mask
                    enters = match.any() | picked.beat.last
                    m.d.sync += ready.matches[lane].eq(match)
                    m.d.sync += ready.wanted[lane].eq(picked.active[lane] & enters)

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
        pick_plane()
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
            "active": engine.lanes,
            "masks": data.ArrayLayout(mask_layout(engine), engine.lanes),
        }
    )


def _ready_layout(engine: EngineConfig) -> data.StructLayout:
    """The same with its matches and the lanes that it would enter."""
    matches = data.ArrayLayout(engine.chunk, engine.lanes)
    return data.StructLayout(
        {**_picked_layout(engine).members, "matches": matches, "wanted": engine.lanes}
    )
