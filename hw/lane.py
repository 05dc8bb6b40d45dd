"""One lane: adds digit x weight of its matches, one a cycle, into an accumulator per step."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.bits import at_most_one, at_most_two, below_lowest_one, lowest_one, popcount
from hw.cluster_layouts import (
    SHIFT_BITS,
    beat_layout,
    entry_layout,
    lane_events_layout,
    lane_sums_layout,
    match_layout,
)
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class Lane(wiring.Component):
    """Issues the matches of its head entry and hands over the sums of a walk.

    Of two channels the first one's matches are issued first; of a channel's, the lowest slot.
    Rate: one match a cycle; entries without a match (ends of a walk) take one cycle. An issue in x
    counts the mask below its slot in x + 1, adds the offset in x + 2, reads its weight in x + 3,
    chooses it in the word read in x + 4, shifts it in x + 5 and adds it in x + 6. A lane of two
    channels reads in x + 2 and does what follows a cycle earlier, for it has one set of adders for
    both, whose sums it hands over in x + 6. The sums stand at
    `sums` from x + 7 (LANE_LATENCY) on if x was a walk's final issue. That issue waits until the
    previous sums have been taken in an earlier cycle; all others never wait.

    A serial lane issues all weights of a mask that has a match, one after the other, so that the
    first one's number is counted up; it reads in x + 1, or x, and all that follows is two cycles
    earlier than said above.

    Members:
        i: entries of the lane's queue; an entry taken in c is issued from c + 1 on.
        weight_enable, weight_half, weight_index: weight wanted; weight: its value a cycle later.
        valid, sums: the sums of a finished walk; take: the last of them are taken in this cycle.
        match, output_stall: for the counters: a match is issued, the final issue waits.
        additions: for the counters, two cycles later: the adders that the match uses.
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
        steps, width = engine.time_steps, engine.digit_bits
        offset_bits = len(self.weight_index)
        flow = data.StructLayout(
            {
                "valid": 1,
                "bits": steps * width,
                "shift": SHIFT_BITS,
                "channel": range(engine.lane_channels),
                "last": 1,
            }
        )
        shared, serial = engine.lane_channels > 1, engine.lane_kind == "serial"
        # What is under way, by the cycles since its issue.
        ages = derived.lane_latency(engine) - shared
        stages = [Signal(flow, name=f"stage_{age}") for age in range(1, ages)]
        counted, shifted, added = stages[0], *stages[-2:]
        ends_walk, outstanding, finished = Signal(), Signal(), Signal()
        # The channel whose matches are issued, what is left of its word (only a serial lane changes
        # the offset), the words as they came, and whether the second one still waits.
        channel, word = Signal(range(engine.lane_channels)), Signal(match_layout(engine))
        words, waiting = Signal.like(self.i.p.words), Signal()
        # `word` has one match at most; registered, because the whole queue waits for it.
        alone = Signal()

        def issue() -> None:
            beat, standing, final = Signal(beat_layout(engine)), Signal(), Signal()
            slot, bits = Signal(engine.chunk), Signal(steps * width)
            finish = Signal()
            digits = [counted.bits.word_select(step, width) for step in range(steps)]
            m.d.comb += [
                final.eq(alone & ~waiting),
                slot.eq(lowest_one(word.match)),
                self.output_stall.eq(standing & final & beat.last & outstanding),
                finish.eq(standing & final & ~self.output_stall),
                ends_walk.eq(finish & beat.last),
                self.match.eq(standing & word.match.any() & ~self.output_stall),
                bits.eq(Cat((slot & spikes).any() for spikes in beat.spikes)),
                self.i.ready.eq(~standing | finish),
            ]
            m.d.sync += [
                self.additions.eq(popcount(Cat(digit.any() for digit in digits))),
                counted.valid.eq(self.match),
                counted.bits.eq(Mux(self.match, bits, 0)),
                counted.shift.eq(beat.shift),
                counted.channel.eq(channel),
                counted.last.eq(ends_walk),
            ]
            first = self.i.p.words[0]
            with m.If(self.i.ready):
                m.d.sync += [standing.eq(self.i.valid), beat.eq(self.i.p.beat), word.eq(first)]
                m.d.sync += [words.eq(self.i.p.words), alone.eq(at_most_one(first.match))]
            with m.Elif(self.match):
                m.d.sync += word.match.eq(word.match & ~slot)
                m.d.sync += alone.eq(at_most_two(word.match))
                if serial:
                    m.d.sync += word.offset.eq(word.offset + 1)
            if engine.lane_channels > 1:
                add_second(*self.i.p.words)
            domain = m.d.comb if shared else m.d.sync
            if serial:
                domain += [self.weight_index.eq(word.offset), self.weight_half.eq(beat.half)]
            else:
                locate(beat, domain)

        def add_second(first: data.View, second: data.View) -> None:
            only_second, goes_on = first.match == 0, self.match & alone
            second_alone, rest_alone = Signal(), Signal()
            m.d.comb += second_alone.eq(at_most_one(second.match))
            with m.If(self.i.ready):
                m.d.sync += [channel.eq(only_second), rest_alone.eq(second_alone)]
                m.d.sync += waiting.eq(~only_second & second.match.any())
                with m.If(only_second):
                    m.d.sync += [word.eq(second), alone.eq(second_alone)]
            with m.Elif(goes_on):
                m.d.sync += [channel.eq(1), word.eq(words[1]), alone.eq(rest_alone), waiting.eq(0)]

        def locate(beat: data.View, domain: Any) -> None:
            below, count = Signal(engine.chunk), Signal(range(engine.chunk + 1))
            offsets = [Signal(offset_bits, name=f"offset_{age}") for age in (1, 2)]
            halves = [Signal(name=f"half_{age}") for age in (1, 2)]
            own = Signal(match_layout(engine))
            m.d.comb += own.eq(Mux(channel, words[-1], words[0]) if shared else words[0])
            m.d.sync += [
                below.eq(own.mask & below_lowest_one(word.match)),
                offsets[0].eq(own.offset),
                halves[0].eq(beat.half),
                count.eq(popcount(below)),
                offsets[1].eq(offsets[0]),
                halves[1].eq(halves[0]),
            ]
            domain += [self.weight_index.eq(offsets[1] + count), self.weight_half.eq(halves[1])]

        def accumulate() -> None:
            totals = Signal(lane_sums_layout(engine))
            weight = Signal(signed(engine.weight_bits))
            # A term for each step: its register is cleared where the step has no spike, which
            # costs nothing, unlike a gate before the adder.
            shape = range(-(1 << engine.weight_bits + 6), 1 << engine.weight_bits + 6)
            reading = stages[-4].valid if len(stages) > 3 else self.match
            m.d.comb += self.weight_enable.eq(reading)
            once = Signal(shape)
            m.d.comb += once.eq(weight << shifted.shift)

            def multiple(digit: Value) -> Value:
                low = Mux(digit[0], once, 0)
                if width == 1:
                    return low
                # Of a 2-bit digit the shift is even, and at most 4: the term's width suffices.
                triple = (weight + (weight << 1)) << Cat(Const(0, 1), shifted.shift[1:])
                return Mux(digit[1], Mux(digit[0], triple, once << 1), low)

            m.d.sync += weight.eq(self.weight)
            m.d.sync += [later.eq(now) for now, later in pairwise(stages)]
            terms = [Signal(shape, name=f"term_{step}") for step in range(steps)]
            for step, term in enumerate(terms):
                m.d.sync += term.eq(multiple(shifted.bits.word_select(step, width)))
            (add_shared if shared else add_alone)(terms, totals)

        def add_alone(terms: list[Signal], totals: data.View) -> None:
            for term, total, output in zip(terms, totals[0], self.sums[0], strict=True):
                sum_ = Signal.like(total)
                m.d.comb += sum_.eq(total + term)
                m.d.sync += total.eq(Mux(added.last, 0, sum_))
                with m.If(added.last):
                    m.d.sync += output.eq(sum_)
            m.d.comb += finished.eq(added.last)

        def add_shared(terms: list[Signal], totals: data.View) -> None:
            # The sums of a walk are handed over while the next walk's first term is added to 0:
            # so both channels' are there, whichever came last, without a choice before `sums`.
            m.d.sync += finished.eq(added.last)
            for step, term in enumerate(terms):
                sum_, chosen = Signal.like(totals[0][step]), Signal.like(totals[0][step])
                total = Mux(added.channel, totals[1][step], totals[0][step])
                m.d.comb += [chosen.eq(Mux(finished, 0, total)), sum_.eq(term + chosen)]
                for number in range(engine.lane_channels):
                    own = added.channel == number
                    with m.If(finished & ~own):
                        m.d.sync += totals[number][step].eq(0)
                    with m.Elif(own):
                        m.d.sync += totals[number][step].eq(sum_)
                    with m.If(finished):
                        m.d.sync += self.sums[number][step].eq(totals[number][step])

        def hand_over() -> None:
            with m.If(self.take):
                m.d.sync += [self.valid.eq(0), outstanding.eq(0)]
            with m.If(finished):
                m.d.sync += self.valid.eq(1)
            with m.If(ends_walk):
                m.d.sync += outstanding.eq(1)

        issue()
        accumulate()
        hand_over()
        return m
