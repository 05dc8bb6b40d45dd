"""The attention unit of a cluster: Q (K^T V) of one head at a time."""

from __future__ import annotations

from itertools import pairwise

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.attention_counters import AttentionCounters
from hw.attention_walk import AttentionWalk
from hw.bits import encode, lowest_one, step_major, union
from hw.cluster_layouts import head_slots, scan_layout, sums_layout
from sparsespike.contract.config import EngineConfig

WORD_DELAY = 4
"""Cycles from a read on `o` to its word at the memory's output (the address pipeline)."""


class AttentionUnit(wiring.Component):
    """Counts K^T V over all tokens, then offers Q (K^T V) token by token, slot by slot.

    Timing: see AttentionWalk; a counter row is asked for two cycles after its slot is due.
    The unit waits only for its outputs to be taken.

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
        keys, values = Signal(vectors), Signal(vectors)
        pending, lowest = Signal(slots), Signal(slots)

        def capture_words() -> None:
            stage = data.StructLayout({"valid": 1, "value": 1, "word": 8})
            asked = [Signal(stage, name=f"asked_{i}") for i in range(WORD_DELAY + 1)]
            m.d.comb += asked[0].eq(Cat(walk.o.valid, walk.value, walk.word))
            m.d.sync += [later.eq(now) for now, later in pairwise(asked)]
            here, width = asked[-1], engine.chunk
            ordered = Signal(data.ArrayLayout(width, engine.time_steps))
            m.d.comb += ordered.eq(step_major(self.spikes, engine.time_steps))
            for word in range(slots // width):
                place = slice(word * width, (word + 1) * width)
                with m.If(here.valid & (here.word == word)):
                    for kept, vector in zip(values, ordered, strict=True):
                        with m.If(here.value):
                            m.d.sync += kept[place].eq(vector)
                    with m.If(~here.value):
                        m.d.sync += pending[place].eq(union(ordered))
                        for kept, vector in zip(keys, ordered, strict=True):
                            m.d.sync += kept[place].eq(vector)

        base, row = Signal.like(walk.base), Signal.like(walk.base)
        found, bits = Signal(slots), Signal(engine.time_steps)
        works = [Signal(2, name=f"works_{age}") for age in range(3)]

        def find_row() -> None:
            m.d.comb += works[0].eq(Cat(walk.update, walk.accumulate))
            m.d.sync += [later.eq(now) for now, later in pairwise(works)]
            m.d.sync += [
                found.eq(lowest),
                base.eq(walk.base),
                row.eq(base + encode(found)),
                bits.eq(Cat((found & key).any() for key in keys)),
            ]

        m.d.comb += lowest.eq(lowest_one(pending))
        with m.If(walk.update | walk.accumulate):
            m.d.sync += pending.eq(pending & ~lowest)
        capture_words()
        find_row()
        wiring.connect(m, walk.o, wiring.flipped(self.o))
        m.d.comb += [
            walk.descriptor.eq(self.descriptor),
            walk.index.eq(self.index),
            walk.go.eq(self.go),
            walk.stored.eq(self.stored),
            self.token.eq(walk.token),
            walk.pending.eq(pending.any()),
            walk.take.eq(self.take),
            self.ready.eq(walk.ready),
            counters.clear.eq(walk.begin_head),
            counters.clear_outputs.eq(walk.begin_query),
            counters.update.eq(works[-1][0]),
            counters.accumulate.eq(works[-1][1]),
            counters.row.eq(row),
            counters.bits.eq(bits),
            counters.values.eq(values),
            counters.slot.eq(walk.slot),
            self.sums.eq(counters.sums),
            self.reading.eq(walk.o.valid),
            self.update.eq(walk.update),
            self.accumulate.eq(walk.accumulate),
        ]
        return m
