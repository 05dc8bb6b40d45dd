"""Pool merger: joins rows along x before they are queued, so that a pool writes few rows."""

from __future__ import annotations

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.cluster_layouts import merge_layout
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class PoolMerger(wiring.Component):
    """Holds, for each step group, the OR of the rows since the last odd x, that one included.

    A row at c leaves in c, if it is stored; else its spikes wait for the next one.

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
        held = Array(Signal(len(self.spikes), name=f"held_{g}") for g in range(groups))
        joins = self.pool & ~self.i.begins
        old = held[self.i.group] & joins.replicate(len(self.spikes))
        m.d.comb += [self.o.eq(self.spikes | old), self.queue.eq(self.fill & self.i.stored)]
        with m.If(self.fill & self.pool):
            m.d.sync += held[self.i.group].eq(Mux(self.i.odd, self.spikes, self.o))
        return m
