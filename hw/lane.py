"""One lane: adds the weights of its matches, one a cycle, into an accumulator per step."""

from __future__ import annotations

from itertools import pairwise

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.bits import at_most_one, at_most_two, below_lowest_one, lowest_one, popcount
from hw.cluster_layouts import SHIFT_BITS, entry_layout, lane_events_layout, sums_layout
from sparsespike.contract.config import EngineConfig

_ADD = 6
"""Cycles from an issue to its addition."""


class Lane(wiring.Component):
    """Issues the matches of its head entry, lowest slot first, and hands over the sums of a walk.

    Rate: one match a cycle; entries without a match (ends of a walk) take one cycle. An issue in x
    counts the mask below its slot in x + 1, adds the offset in x + 2, reads its weight in x + 3,
    chooses it in the word read in x + 4, shifts it in x + 5 and adds it in x + 6; the sums stand at
    `sums` from x + 7 (LANE_LATENCY) on if x was a walk's final issue. That issue waits until the
    previous sums have been taken in an earlier cycle; all others never wait.

    Members:
        i: entries of the lane's queue; an entry taken in c is issued from c + 1 on.
        weight_enable, weight_half, weight_index: weight wanted; weight: its value a cycle later.
        valid, sums: the sums of a finished walk; take: they are taken in this cycle.
        match, output_stall: for the counters: a match is issued, the final issue waits.
        additions: for the counters, a cycle later: the adders that the match uses.
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
        offset_bits = len(self.weight_index)
        flow = data.StructLayout(
            {"valid": 1, "bits": engine.time_steps, "shift": SHIFT_BITS, "last": 1}
        )
        # What is under way, by the cycles since its issue.
        stages = [Signal(flow, name=f"stage_{age}") for age in range(1, _ADD + 1)]
        counted, _, read, _, shifted, added = stages
        ends_walk, outstanding = Signal(), Signal()

        def issue() -> None:
            head, standing = Signal(entry_layout(engine)), Signal()
            # Registered, because the whole queue waits for it.
            final = Signal()
            slot, bits = Signal(engine.chunk), Signal(engine.time_steps)
            finish = Signal()
            m.d.comb += [
                slot.eq(lowest_one(head.match)),
                self.output_stall.eq(standing & final & head.beat.last & outstanding),
                finish.eq(standing & final & ~self.output_stall),
                ends_walk.eq(finish & head.beat.last),
                self.match.eq(standing & head.match.any() & ~self.output_stall),
                bits.eq(Cat((slot & spikes).any() for spikes in head.beat.spikes)),
                self.additions.eq(popcount(counted.bits)),
                self.i.ready.eq(~standing | finish),
            ]
            m.d.sync += [
                counted.valid.eq(self.match),
                counted.bits.eq(Mux(self.match, bits, 0)),
                counted.shift.eq(head.beat.shift),
                counted.last.eq(ends_walk),
            ]
            with m.If(self.i.ready):
                m.d.sync += [standing.eq(self.i.valid), head.eq(self.i.p)]
                m.d.sync += final.eq(at_most_one(self.i.p.match))
            with m.Elif(self.match):
                m.d.sync += head.match.eq(head.match & ~slot)
                m.d.sync += final.eq(at_most_two(head.match))
            locate(head)

        def locate(head: data.View) -> None:
            below, count = Signal(engine.chunk), Signal(range(engine.chunk + 1))
            offsets = [Signal(offset_bits, name=f"offset_{age}") for age in (1, 2)]
            halves = [Signal(name=f"half_{age}") for age in (1, 2)]
            m.d.sync += [
                below.eq(head.mask & below_lowest_one(head.match)),
                offsets[0].eq(head.offset),
                halves[0].eq(head.beat.half),
                count.eq(popcount(below)),
                offsets[1].eq(offsets[0]),
                halves[1].eq(halves[0]),
                self.weight_index.eq(offsets[1] + count),
                self.weight_half.eq(halves[1]),
            ]

        def accumulate() -> None:
            totals = Signal(sums_layout(engine))
            weight = Signal(signed(engine.weight_bits))
            # A term for each step: its register is cleared where the step has no spike, which
            # costs nothing, unlike a gate before the adder.
            shape = range(-(1 << engine.weight_bits + 6), 1 << engine.weight_bits + 6)
            m.d.comb += self.weight_enable.eq(read.valid)
            m.d.sync += weight.eq(self.weight)
            m.d.sync += [later.eq(now) for now, later in pairwise(stages)]
            for total, output, bit in zip(totals, self.sums, shifted.bits, strict=True):
                sum_, term = Signal(total.shape()), Signal(shape)
                m.d.sync += term.eq(Mux(bit, weight << shifted.shift, 0))
                m.d.comb += sum_.eq(total + term)
                m.d.sync += total.eq(Mux(added.last, 0, sum_))
                with m.If(added.last):
                    m.d.sync += output.eq(sum_)

        def hand_over() -> None:
            with m.If(self.take):
                m.d.sync += [self.valid.eq(0), outstanding.eq(0)]
            with m.If(added.last):
                m.d.sync += self.valid.eq(1)
            with m.If(ends_walk):
                m.d.sync += outstanding.eq(1)

        issue()
        accumulate()
        hand_over()
        return m
