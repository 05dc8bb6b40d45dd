"""Pool merger: joins rows along x before they are queued, so that a pool writes few rows."""

from __future__ import annotations

from amaranth.hdl import Module, Mux
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from hw.cluster_layouts import merge_layout
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class PoolMerger(wiring.Component):
    """Holds, for each step group, the OR of the rows since the last odd x, that one included.

    A row at c leaves in c, if it is stored; else its spikes wait for the next one. Rows held lie in
    LUT RAM, a word a group: a map's row begins anew, so nothing needs to be cleared.

    Members:
        pool: the layer pools; otherwise rows pass unchanged.
        fill, i, spikes: a row, and where it stands in the map's row.
        queue, o: a row to store, with the rows held.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        bits = derived.lane_pitch(engine) * engine.time_steps
        super().__init__(
            {
                "pool": In(1),
                "fill": In(1),
                "i": In(merge_layout(engine)),
                "spikes": In(bits),
                "queue": Out(1),
                "o": Out(bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        groups = derived.most_groups(self._engine)
        # An index of one bit at least addresses two words.
        store = memory.Memory(shape=len(self.spikes), depth=max(2, groups), init=[])
        m.submodules.held = store
        write, read = store.write_port(), store.read_port(domain="comb")
        joins = self.pool & ~self.i.begins
        old = read.data & joins.replicate(len(self.spikes))
        m.d.comb += [
            read.addr.eq(self.i.group),
            write.addr.eq(self.i.group),
            write.data.eq(Mux(self.i.odd, self.spikes, self.o)),
            write.en.eq(self.fill & self.pool),
        ]
        m.d.comb += [self.o.eq(self.spikes | old), self.queue.eq(self.fill & self.i.stored)]
        return m
