"""A register between two streams that cuts the path of `ready`."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class SkidBuffer(wiring.Component):
    """Two places in order, every output registered; one payload a cycle.

    What is taken in c is offered from c + 1 on, or from the cycle after the one before it has left.
    `i.ready` is low only while both places are taken.

    Members:
        i, o: payloads.
    """

    def __init__(self, shape: ShapeLike) -> None:
        self._shape = shape
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spare, waiting = Signal(self._shape), Signal()
        m.d.comb += self.i.ready.eq(~waiting)
        moves = ~self.o.valid | self.o.ready
        with m.If(moves):
            m.d.sync += [
                self.o.valid.eq(waiting | self.i.valid),
                self.o.p.eq(Mux(waiting, spare, self.i.p)),
                waiting.eq(0),
            ]
        with m.Elif(self.i.valid):
            m.d.sync += waiting.eq(1)
        with m.If(~waiting):
            m.d.sync += spare.eq(self.i.p)
        return m
