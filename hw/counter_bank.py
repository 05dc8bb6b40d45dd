"""Counter bank: activity counters of the running layer, and the memory of all layers' counters."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from hw import layouts
from hw.bits import popcount, tree_sum, union
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.counters import COUNTERS

COUNTER_BITS = 32
SLOT_BITS = ceil_log2(len(COUNTERS))
ENGINE_COUNTERS = (
    "dma_read_beats",
    "dma_write_beats",
    "rows_written",
    "rows_updated",
    "pixel_words_written",
    "topk_comparisons",
)
"""Counters driven by engine-level blocks; `cycles` comes from the frame timer."""


class CounterBank(wiring.Component):
    """One 32-bit total per counter.

    A counter has a few bits of its own; one counter a cycle, in turn, adds them to its total in a
    memory and restarts.

    Timing: an engine event at c is counted from c + 1 on, a cluster's from c + 2 on. While `store`
    is high, the total of the counter named by `index` goes to the memory, in the cycle after, and
    restarts with the events of this cycle. A read at c has its value in c + 1 and keeps it while
    `read` is low.

    Members:
        clear: all totals restart.
        events: increments of the engine-level blocks.
        increments: increments of each cluster.
        cycles: cycles of the layer so far, this one included.
        store, index, layer: write a counter to the memory; all of them in order, from 0 on.
        read, read_layer, read_counter, read_value: the memory's read port.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        cluster = layouts.cluster_increments(engine)
        super().__init__(
            {
                "clear": In(1),
                "events": In(layouts.increments_layout(dict.fromkeys(ENGINE_COUNTERS, 15))),
                "increments": In(cluster).array(engine.clusters),
                "cycles": In(COUNTER_BITS),
                "store": In(1),
                "index": In(SLOT_BITS),
                "layer": In(range(max(2, engine.max_layers))),
                "read": In(1),
                "read_layer": In(range(max(2, engine.max_layers))),
                "read_counter": In(SLOT_BITS),
                "read_value": Out(COUNTER_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = max(2, self.engine.max_layers) << SLOT_BITS
        m.submodules.memory = memory = Memory(shape=COUNTER_BITS, depth=depth, init=[])
        m.submodules.totals = totals = Memory(shape=COUNTER_BITS, depth=1 << SLOT_BITS, init=[])
        turn, place = Signal(SLOT_BITS), Signal(SLOT_BITS)
        recent, cycles = Signal(COUNTER_BITS), Signal(COUNTER_BITS)
        stores, layer = Signal(), Signal.like(self.layer)
        begun = Signal(len(COUNTERS))
        chosen = Signal(len(COUNTERS))
        with m.If(self.store):
            m.d.sync += turn.eq(0)
            m.d.comb += chosen.eq(1 << self.index)
        with m.Else():
            m.d.sync += turn.eq(Mux(turn == len(COUNTERS) - 1, 0, turn + 1))
            m.d.comb += chosen.eq(1 << turn)

        own = [self._recent(m, chosen[i], name) for i, name in enumerate(COUNTERS[:-1])]
        gated = [
            Mux(hit, value, Const(0, COUNTER_BITS)) for hit, value in zip(chosen, own, strict=False)
        ]
        m.d.sync += [
            recent.eq(union(gated)),
            place.eq(Mux(self.store, self.index, turn)),
            stores.eq(self.store),
            layer.eq(self.layer),
            cycles.eq(self.cycles),
        ]

        write, read = memory.write_port(), memory.read_port()
        total_write, total_read = totals.write_port(), totals.read_port(domain="comb")
        total = Signal(COUNTER_BITS)
        is_cycles = place == COUNTERS.index("cycles")
        m.d.comb += [
            total_read.addr.eq(place),
            total.eq(Mux(begun.bit_select(place, 1), total_read.data, 0) + recent),
            total_write.addr.eq(place),
            total_write.data.eq(total),
            total_write.en.eq(1),
            write.en.eq(stores),
            write.addr.eq(Cat(place, layer)),
            write.data.eq(Mux(is_cycles, cycles, total)),
            read.en.eq(self.read),
            read.addr.eq(Cat(self.read_counter, self.read_layer)),
            self.read_value.eq(read.data),
        ]
        m.d.sync += begun.bit_select(place, 1).eq(~stores)
        with m.If(self.clear):
            m.d.sync += [begun.eq(0), recent.eq(0)]
        return m

    def _recent(self, m: Module, turn: Value, name: str) -> Value:
        """What a counter counted since its last turn."""
        if name in ENGINE_COUNTERS:
            increment = self.events[name]
        else:
            values = [cluster[name] for cluster in self.increments]
            single = all(len(value) == 1 for value in values)
            total_increment = popcount(Cat(values)) if single else tree_sum(values)
            increment = Signal.like(total_increment, name=f"{name}_increment")
            m.d.sync += increment.eq(total_increment)
        # A turn comes back within two rounds: one may be cut off by a layer's stores.
        most = ((1 << len(increment)) - 1) * 2 * len(COUNTERS)
        count = Signal(min(COUNTER_BITS, most.bit_length()), name=name)
        m.d.sync += count.eq(count + increment)
        with m.If(turn | self.clear):
            m.d.sync += count.eq(increment)
        return count
