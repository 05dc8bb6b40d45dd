"""One lane: adds digit x weight of its matches, one a cycle, into an accumulator per step."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.bits import at_most_one, below_lowest_one, lowest_one, popcount
from hw.cluster_layouts import SHIFT_BITS, entry_layout, lane_events_layout, sums_layout
from sparsespike.contract.config import EngineConfig


class Lane(wiring.Component):
    """Issues the matches of its head entry, lowest slot first, and hands over the sums of a walk.

    Rate: one match a cycle; entries without a match (ends of a walk) take one cycle. The weight of
    an issue in x is read in x + 1 and added in x + 2; the sums stand at `sums` from x + 3
    (LANE_LATENCY) on if x was a walk's final issue. That issue waits until the previous sums have
    been taken in an earlier cycle; all others never wait.

    Members:
        i: entries of the lane's queue; an entry taken in c is issued from c + 1 on.
        weight_enable, weight_half, weight_index: weight wanted; weight: its value a cycle later.
        valid, sums: the sums of a finished walk; take: they are taken in this cycle.
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
                "sums": Out(sums_layout(engine)),
                "take": In(1),
                **{name: Out(events[name]) for name in ("match", "additions", "output_stall")},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self._engine
        steps, width = engine.time_steps, engine.digit_bits
        stage = data.StructLayout(
            {"valid": 1, "bits": steps * width, "shift": SHIFT_BITS, "last": 1}
        )
        read, add = Signal(stage), Signal(stage)
        ends_walk, outstanding = Signal(), Signal()

        def issue() -> None:
            head, standing = Signal(entry_layout(engine)), Signal()
            slot, final, bits = Signal(engine.chunk), Signal(), Signal(steps * width)
            finish = Signal()
            digits = [bits.word_select(step, width) for step in range(steps)]
            adders = bits if width == 1 else Cat(digit.any() for digit in digits)
            below = head.mask & below_lowest_one(head.match)
            m.d.comb += [
                slot.eq(lowest_one(head.match)),
                final.eq(at_most_one(head.match)),
                self.output_stall.eq(standing & final & head.beat.last & outstanding),
                finish.eq(standing & final & ~self.output_stall),
                ends_walk.eq(finish & head.beat.last),
                self.match.eq(standing & head.match.any() & ~self.output_stall),
                bits.eq(Cat((slot & spikes).any() for spikes in head.beat.spikes)),
                self.additions.eq(Mux(self.match, popcount(adders), 0)),
                self.i.ready.eq(~standing | finish),
            ]
            m.d.sync += [
                read.valid.eq(self.match),
                read.bits.eq(Mux(self.match, bits, 0)),
                read.shift.eq(head.beat.shift),
                read.last.eq(ends_walk),
                self.weight_half.eq(head.beat.half),
                self.weight_index.eq(head.offset + popcount(below)),
            ]
            with m.If(self.i.ready):
                m.d.sync += [standing.eq(self.i.valid), head.eq(self.i.p)]
            with m.Elif(self.match):
                m.d.sync += head.match.eq(head.match & ~slot)

        def accumulate() -> None:
            totals = Signal(sums_layout(engine))
            term = Signal(range(-(1 << engine.weight_bits + 6), 1 << engine.weight_bits + 6))
            m.d.comb += [self.weight_enable.eq(read.valid)]
            m.d.comb += term.eq(self.weight.as_signed() << add.shift)
            m.d.sync += add.eq(read)
            terms = [term]
            if width == 2:
                # Of a 2-bit digit the shift is even, and at most 4: the term's width suffices.
                double, triple = Signal.like(term), Signal.like(term)
                weight = self.weight.as_signed()
                m.d.comb += double.eq(term << 1)
                m.d.comb += triple.eq((weight + (weight << 1)) << Cat(Const(0, 1), add.shift[1:]))
                terms += [double, triple]

            def added(digit: Value) -> Value:
                low = Mux(digit[0], terms[0], 0)
                return low if width == 1 else Mux(digit[1], Mux(digit[0], *terms[:0:-1]), low)

            for step, (total, output) in enumerate(zip(totals, self.sums, strict=True)):
                sum_ = Signal(total.shape())
                m.d.comb += sum_.eq(total + added(add.bits.word_select(step, width)))
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
