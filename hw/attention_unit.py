"""The attention unit of a cluster: Q (K^T V) of one head at a time."""

from __future__ import annotations

from itertools import pairwise

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.attention_counters import AttentionCounters
from hw.attention_walk import AttentionWalk
from hw.bits import at_most_one, encode, lowest_one, step_major, union
from hw.cluster_layouts import counter_rows, head_slots, scan_layout, sums_layout
from sparsespike.contract.config import EngineConfig

WORD_DELAY = 4
"""Cycles from a read on `o` to its word at the memory's output (the address pipeline)."""


class AttentionUnit(wiring.Component):
    """Counts K^T V over all tokens, then offers Q (K^T V) token by token, slot by slot.

    Timing: see AttentionWalk; a counter row is asked for two cycles after its spike is due. The
    unit waits only for its outputs to be taken.

    Members:
        index: number of the cluster, constant.
        descriptor, go: the layer and its start.
        token, stored: the position walked and, in the same cycle, its token list entry.
        o: reads, always accepted; spikes: the word read WORD_DELAY cycles before.
        ready, sums, take: an output is offered, is taken.
        reading, update, accumulate: for the counters.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        super().__init__(
            {
                "index": In(range(max(2, engine.clusters))),
                "descriptor": In(layouts.descriptor_layout()),
                "go": In(1),
                "token": Out(16),
                "stored": In(16),
                "o": Out(stream.Signature(scan_layout(engine), always_ready=True)),
                "spikes": In(engine.chunk * engine.time_steps),
                "ready": Out(1),
                "sums": Out(sums_layout(engine)),
                "take": In(1),
                "reading": Out(1),
                "update": Out(1),
                "accumulate": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine, slots = self._engine, head_slots(self._engine)
        m.submodules.walk = walk = AttentionWalk(engine)
        m.submodules.counters = counters = AttentionCounters(engine)
        vectors = data.ArrayLayout(slots, engine.time_steps)
        step_bits = (engine.time_steps - 1).bit_length()
        pending, values = Signal(vectors), Signal(vectors)
        waits, step = Signal(engine.time_steps), Signal(engine.time_steps)
        here, lowest = Signal(slots), Signal(slots)

        def capture_words() -> None:
            stage = data.StructLayout({"valid": 1, "value": 1, "word": 8})
            asked = [Signal(stage, name=f"asked_{i}") for i in range(WORD_DELAY + 1)]
            m.d.comb += asked[0].eq(Cat(walk.o.valid, walk.value, walk.word))
            m.d.sync += [later.eq(now) for now, later in pairwise(asked)]
            arrived, width = asked[-1], engine.chunk
            ordered = Signal(data.ArrayLayout(width, engine.time_steps))
            m.d.comb += ordered.eq(step_major(self.spikes, engine.time_steps))
            for word in range(slots // width):
                place = slice(word * width, (word + 1) * width)
                with m.If(arrived.valid & (arrived.word == word)):
                    for kept, asks, vector in zip(values, pending, ordered, strict=True):
                        with m.If(arrived.value):
                            m.d.sync += kept[place].eq(vector)
                        with m.Else():
                            m.d.sync += asks[place].eq(vector)
            with m.If(arrived.valid & ~arrived.value):
                m.d.sync += waits.eq(waits | Cat(vector.any() for vector in ordered))

        def next_spike() -> None:
            m.d.comb += [
                step.eq(lowest_one(waits)),
                here.eq(union(Mux(step[a], vector, 0) for a, vector in enumerate(pending))),
                lowest.eq(lowest_one(here)),
            ]
            with m.If(walk.update | walk.accumulate):
                for a, vector in enumerate(pending):
                    with m.If(step[a]):
                        m.d.sync += vector.eq(vector & ~lowest)
                with m.If(at_most_one(here)):
                    m.d.sync += waits.eq(waits & ~step)

        # Queries are accumulated cycles later: a register before a wide reset.
        clear_outputs = Signal()
        m.d.sync += clear_outputs.eq(walk.begin_query)
        base, row = Signal.like(walk.base), Signal(range(counter_rows(engine)))
        found, at = Signal(slots), Signal(step_bits)
        works = [Signal(2, name=f"works_{age}") for age in range(3)]

        def find_row() -> None:
            m.d.comb += works[0].eq(Cat(walk.update, walk.accumulate))
            m.d.sync += [later.eq(now) for now, later in pairwise(works)]
            m.d.sync += [
                found.eq(lowest),
                at.eq(encode(step)),
                base.eq(walk.base),
                row.eq(Cat(at, base + encode(found))),
            ]

        next_spike()
        capture_words()
        find_row()
        wiring.connect(m, walk.o, wiring.flipped(self.o))
        m.d.comb += [
            walk.descriptor.eq(self.descriptor),
            walk.index.eq(self.index),
            walk.go.eq(self.go),
            walk.stored.eq(self.stored),
            self.token.eq(walk.token),
            walk.pending.eq(waits.any()),
            walk.take.eq(self.take),
            self.ready.eq(walk.ready),
            counters.clear.eq(walk.clear),
            counters.clear_outputs.eq(clear_outputs),
            counters.update.eq(works[-1][0]),
            counters.accumulate.eq(works[-1][1]),
            counters.row.eq(Mux(walk.clear, walk.row, row)),
            counters.values.eq(values),
            counters.slot.eq(walk.slot),
            counters.advance.eq(walk.advance),
            self.sums.eq(counters.sums),
            self.reading.eq(walk.o.valid),
            self.update.eq(walk.update),
            self.accumulate.eq(walk.accumulate),
        ]
        return m
