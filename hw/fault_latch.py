"""Fault latch: the first error of a frame stops the engine and stays."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.register_map import ERROR_CODES


class FaultLatch(wiring.Component):
    """Keeps code and layer of the first error.

    Timing: an error at c raises `error` in c + 1 and `happened` in c. Of errors in the same
    cycle the one with the lowest code counts.

    Members:
        faults: errors of this cycle, in the order of the codes HEADER, ..., TIMEOUT.
        layer: the running layer.
        happened: the first error happens in this cycle.
        error, code, where: it has happened; what; in which layer.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "faults": In(len(ERROR_CODES) - 1),
                "layer": In(16),
                "happened": Out(1),
                "error": Out(1),
                "code": Out(8),
                "where": Out(16),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.happened.eq(self.faults.any() & ~self.error)
        with m.If(self.happened):
            m.d.sync += [self.error.eq(1), self.where.eq(self.layer)]
            for place in reversed(range(len(self.faults))):
                with m.If(self.faults[place]):
                    m.d.sync += self.code.eq(place + 1)
        return m
