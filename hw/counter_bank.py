"""Counter bank: activity counters of the running layer, and the memory of all layers' counters."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from hw import layouts
from hw.bits import popcount, tree_sum
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

    Timing: an engine event at c is in its total in c + 1, a cluster's in c + 2. While `store` is
    high, the counter named by `index` goes to the memory and restarts with the events of this
    cycle. A read at c has its value in c + 1 and keeps it while `read` is low.

    Members:
        clear: all totals restart.
        events: increments of the engine-level blocks.
        increments: increments of each cluster.
        cycles: cycles of the layer so far, this one included.
        store, index, layer: write a counter to the memory.
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
        write, read = memory.write_port(), memory.read_port()
        totals = Array(self._total(m, place, name) for place, name in enumerate(COUNTERS[:-1]))
        is_cycles = self.index == COUNTERS.index("cycles")
        m.d.comb += [
            write.en.eq(self.store),
            write.addr.eq(Cat(self.index, self.layer)),
            write.data.eq(Mux(is_cycles, self.cycles, totals[self.index])),
            read.en.eq(self.read),
            read.addr.eq(Cat(self.read_counter, self.read_layer)),
            self.read_value.eq(read.data),
        ]
        return m

    def _total(self, m: Module, place: int, name: str) -> Value:
        total = Signal(COUNTER_BITS, name=name)
        if name in ENGINE_COUNTERS:
            increment = self.events[name]
        else:
            values = [cluster[name] for cluster in self.increments]
            single = all(len(value) == 1 for value in values)
            total_increment = popcount(Cat(values)) if single else tree_sum(values)
            increment = Signal.like(total_increment, name=f"{name}_increment")
            m.d.sync += increment.eq(total_increment)
        restart = self.clear | (self.store & (self.index == place))
        m.d.sync += total.eq(Mux(restart, 0, total) + increment)
        return total
