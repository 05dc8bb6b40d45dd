"""One lane: adds the weights of its matches, one a cycle, into an accumulator per step."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.bits import at_most_one, below_lowest_one, lowest_one, popcount
from hw.cluster_layouts import (
    SHIFT_BITS,
    beat_layout,
    entry_layout,
    lane_events_layout,
    lane_sums_layout,
    match_layout,
)
from sparsespike.contract.config import EngineConfig


class Lane(wiring.Component):
    """Issues the matches of its head entry and hands over the sums of a walk.

    Of several channels the first one's matches are issued first; of a channel's, the lowest slot.

    Rate: one match a cycle; entries without a match (ends of a walk) take one cycle. The weight of
    an issue in x is read in x + 1 and added in x + 2; the sums stand at `sums` from x + 3
    (LANE_LATENCY) on if x was a walk's final issue. That issue waits until the previous sums have
    been taken in an earlier cycle; all others never wait.

    Members:
        i: entries of the lane's queue; an entry taken in c is issued from c + 1 on.
        weight_enable, weight_half, weight_index: weight wanted; weight: its value a cycle later.
        valid, sums: the sums of a finished walk; take: the last of them are taken in this cycle.
        match, additions, output_stall: for the counters: a match is issued, the adders it uses, the
            final issue waits.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        events = lane_events_layout(engine).members
        super().__init__(
            {
                "i": In(stream.Signature(entry_layout(engine))),
                "weight_enable": Out(1),
                "weight_half": Out(1),
                "weight_index": Out(layouts.offset_bits(engine)),
                "weight": In(engine.weight_bits),
                "valid": Out(1),
                "sums": Out(lane_sums_layout(engine)),
                "take": In(1),
                **{name: Out(events[name]) for name in ("match", "additions", "output_stall")},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self._engine
        stage = data.StructLayout(
            {
                "valid": 1,
                "bits": engine.time_steps,
                "shift": SHIFT_BITS,
                "channel": range(engine.lane_channels),
                "last": 1,
            }
        )
        read, add = Signal(stage), Signal(stage)
        ends_walk, outstanding = Signal(), Signal()
        # The channel whose matches are issued, and what waits of the other one.
        channel, word = Signal(range(engine.lane_channels)), Signal(match_layout(engine))
        rest, alone = Signal(match_layout(engine)), Signal()

        def issue() -> None:
            beat, standing = Signal(beat_layout(engine)), Signal()
            slot, final, bits = Signal(engine.chunk), Signal(), Signal(engine.time_steps)
            finish = Signal()
            below = word.mask & below_lowest_one(word.match)
            m.d.comb += [
                slot.eq(lowest_one(word.match)),
                alone.eq(at_most_one(word.match)),
                self.output_stall.eq(standing & final & beat.last & outstanding),
                finish.eq(standing & final & ~self.output_stall),
                ends_walk.eq(finish & beat.last),
                self.match.eq(standing & word.match.any() & ~self.output_stall),
                bits.eq(Cat((slot & spikes).any() for spikes in beat.spikes)),
                self.additions.eq(Mux(self.match, popcount(bits), 0)),
                self.i.ready.eq(~standing | finish),
            ]
            m.d.sync += [
                read.valid.eq(self.match),
                read.bits.eq(Mux(self.match, bits, 0)),
                read.shift.eq(beat.shift),
                read.channel.eq(channel),
                read.last.eq(ends_walk),
                self.weight_half.eq(beat.half),
                self.weight_index.eq(word.offset + popcount(below)),
            ]
            with m.If(self.i.ready):
                m.d.sync += [
                    standing.eq(self.i.valid),
                    beat.eq(self.i.p.beat),
                    word.eq(self.i.p.words[0]),
                ]
            with m.Elif(self.match):
                m.d.sync += word.match.eq(word.match & ~slot)
            m.d.comb += final.eq(alone & (rest.match == 0))
            if self._engine.lane_channels > 1:
                add_second(self.i.p.words)

        def add_second(words: data.View[data.ArrayLayout]) -> None:
            with m.If(self.i.ready):
                m.d.sync += [channel.eq(0), rest.eq(words[1])]
                with m.If(words[0].match == 0):
                    m.d.sync += [channel.eq(1), word.eq(words[1]), rest.match.eq(0)]
            with m.Elif(self.match & alone):
                m.d.sync += [channel.eq(1), word.eq(rest), rest.match.eq(0)]

        def accumulate() -> None:
            totals = Signal(lane_sums_layout(engine))
            term = Signal(range(-(1 << engine.weight_bits + 6), 1 << engine.weight_bits + 6))
            m.d.comb += [self.weight_enable.eq(read.valid)]
            m.d.comb += term.eq(self.weight.as_signed() << add.shift)
            m.d.sync += add.eq(read)
            for number in range(engine.lane_channels):
                own = add.channel == number
                parts = zip(totals[number], self.sums[number], add.bits, strict=True)
                for total, output, bit in parts:
                    sum_ = Signal(total.shape())
                    m.d.comb += sum_.eq(total + Mux(bit & own, term, 0))
                    m.d.sync += total.eq(Mux(add.last, 0, sum_))
                    with m.If(add.last):
                        m.d.sync += output.eq(sum_)

        def hand_over() -> None:
            with m.If(self.take):
                m.d.sync += [self.valid.eq(0), outstanding.eq(0)]
            with m.If(add.last):
                m.d.sync += self.valid.eq(1)
            with m.If(ends_walk):
                m.d.sync += outstanding.eq(1)

        issue()
        accumulate()
        hand_over()
        return m
