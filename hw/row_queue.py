"""Finished rows on their way to the write-back unit."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.cluster_layouts import row_place_layout
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class RowQueue(wiring.Component):
    """ROW_CREDITS rows: a row's place enters with its last take, its contents when computed.

    Contents filled in c are offered at `o` from c + 1 on. A row accepted in c gives its credit back
    from c + 1 on.

    Members:
        allocate, place: a row begins to use an entry; credit: an entry is free.
        fill, spikes, value: contents of the oldest entry without.
        o: the oldest full row; done: it is accepted in this cycle and was the layer's last.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        super().__init__(
            {
                "allocate": In(1),
                "place": In(row_place_layout(engine)),
                "credit": Out(1),
                "fill": In(1),
                "spikes": In(derived.lane_pitch(engine) * engine.time_steps),
                "value": In(signed(32)),
                "o": Out(stream.Signature(layouts.row_layout(engine))),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = derived.ROW_CREDITS
        places = Signal(data.ArrayLayout(row_place_layout(self._engine), depth))
        spikes = Signal(data.ArrayLayout(len(self.spikes), depth))
        values = Signal(data.ArrayLayout(signed(32), depth))
        used, full = Signal(range(depth + 1)), Signal(range(depth + 1))
        placed, filled, oldest = (Signal(range(depth)) for _ in range(3))
        accepted = Signal()

        def move(pointer: Signal, moved: Signal) -> None:
            with m.If(moved):
                m.d.sync += pointer.eq(pointer + 1)
                with m.If(pointer == depth - 1):
                    m.d.sync += pointer.eq(0)

        place = places[oldest]
        m.d.comb += [
            accepted.eq(self.o.valid & self.o.ready),
            self.credit.eq(used != depth),
            self.o.valid.eq(full != 0),
            self.o.p.spikes.eq(spikes[oldest]),
            self.o.p.value.eq(values[oldest]),
            self.done.eq(accepted & place.final),
        ]
        for name in ("position", "y", "x", "group", "row", "lane", "twice"):
            m.d.comb += self.o.p[name].eq(place[name])
        # A free entry may hold anything until a row uses it.
        with m.If(self.credit):
            m.d.sync += places[placed].eq(self.place)
        with m.If(self.fill):
            m.d.sync += [spikes[filled].eq(self.spikes), values[filled].eq(self.value)]
        for pointer, moved in ((placed, self.allocate), (filled, self.fill), (oldest, accepted)):
            move(pointer, moved)
        m.d.sync += used.eq(used + self.allocate - accepted)
        m.d.sync += full.eq(full + self.fill - accepted)
        return m
