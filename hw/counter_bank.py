"""Counter bank: activity counters of the running layer, and the memory of all layers' counters."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
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

    Timing: while `store` is high, the total of the counter named by `index` goes to the memory, two
    cycles later, and restarts with the engine's events of this cycle and the clusters' of the one
    before. A read at c has its value in c + 1 and keeps it while `read` is low.

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
        turn = Signal(_turn_layout(self.engine), init={"chosen": 1})
        late = Signal.like(turn)
        clear, recent, begun = Signal(), Signal(COUNTER_BITS), Signal(len(COUNTERS))
        wraps = turn.place == len(COUNTERS) - 1
        m.d.sync += [
            turn.chosen.eq(turn.chosen.rotate_left(1)),
            turn.place.eq(Mux(wraps, 0, turn.place + 1)),
            turn.stores.eq(self.store),
            turn.layer.eq(self.layer),
            turn.cycles.eq(self.cycles),
            clear.eq(self.clear),
            late.eq(turn),
        ]
        with m.If(self.store):
            m.d.sync += [turn.chosen.eq(1 << self.index), turn.place.eq(self.index)]

        gated = []
        for place, name in enumerate(COUNTERS[:-1]):
            own = self._recent(m, turn.chosen[place] | clear, name)
            gated.append(Mux(turn.chosen[place], own, Const(0, COUNTER_BITS)))
        m.d.sync += recent.eq(union(gated))
        m.d.sync += begun.eq(begun & ~late.chosen | Mux(late.stores, 0, late.chosen))
        with m.If(clear):
            m.d.sync += [recent.eq(0), begun.eq(0)]
        self._memories(m, late, recent, (begun & late.chosen).any())
        return m

    def _memories(self, m: Module, turn: data.View, recent: Value, begun: Value) -> None:
        """Adds what is recent to its total; a total that has not begun is 0."""
        depth = max(2, self.engine.max_layers) << SLOT_BITS
        m.submodules.memory = memory = Memory(shape=COUNTER_BITS, depth=depth, init=[])
        m.submodules.totals = totals = Memory(shape=COUNTER_BITS, depth=1 << SLOT_BITS, init=[])
        write, read = memory.write_port(), memory.read_port()
        total_write, total_read = totals.write_port(), totals.read_port(domain="comb")
        total = Signal(COUNTER_BITS)
        m.d.comb += [
            total_read.addr.eq(turn.place),
            total.eq(Mux(begun, total_read.data, 0) + recent),
            total_write.addr.eq(turn.place),
            total_write.data.eq(total),
            total_write.en.eq(1),
            write.en.eq(turn.stores),
            write.addr.eq(Cat(turn.place, turn.layer)),
            write.data.eq(Mux(turn.chosen[COUNTERS.index("cycles")], turn.cycles, total)),
            read.en.eq(self.read),
            read.addr.eq(Cat(self.read_counter, self.read_layer)),
            self.read_value.eq(read.data),
        ]

    def _recent(self, m: Module, restart: Value, name: str) -> Value:
        """What a counter counted since its last turn."""
        increment = self._increment(m, name)
        # A turn comes back within two rounds: one may be cut off by a layer's stores.
        most = ((1 << len(increment)) - 1) * 2 * len(COUNTERS)
        count = Signal(min(COUNTER_BITS, most.bit_length()), name=name)
        m.d.sync += count.eq(count + increment)
        with m.If(restart):
            m.d.sync += count.eq(increment)
        return count

    def _increment(self, m: Module, name: str) -> Value:
        """Increment of the engine, one cycle later for the engine's blocks, two for clusters."""
        if name in ENGINE_COUNTERS:
            now = self.events[name]
        else:
            values = [cluster[name] for cluster in self.increments]
            sums = popcount(Cat(values)) if all(len(v) == 1 for v in values) else tree_sum(values)
            now = Signal.like(sums, name=f"{name}_sum")
            m.d.sync += now.eq(sums)
        increment = Signal.like(now, name=f"{name}_increment")
        m.d.sync += increment.eq(now)
        return increment


def _turn_layout(engine: EngineConfig) -> data.StructLayout:
    """Whose turn it is, in two ways, and what is stored then."""
    return data.StructLayout(
        {
            "chosen": len(COUNTERS),
            "place": SLOT_BITS,
            "stores": 1,
            "layer": range(max(2, engine.max_layers)),
            "cycles": COUNTER_BITS,
        }
    )
