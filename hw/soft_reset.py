"""Soft reset: empties the buses, then resets the core."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class SoftReset(wiring.Component):
    """Halts the core, waits until its buses are quiet and resets it for two cycles.

    Timing: `clear` at c raises `halt` in c + 1 at the earliest; `reset` stands two cycles, the
    first of them after a halted cycle that is quiet: the clusters' parts follow it a cycle later.

    Members:
        clear: reset the core.
        quiet: the core has nothing under way on its buses.
        halt: the core must start nothing more.
        reset: of the core.
        busy: the reset is not over.
    """

    def __init__(self) -> None:
        super().__init__(
            {"clear": In(1), "quiet": In(1), "halt": Out(1), "reset": Out(1), "busy": Out(1)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        with m.FSM() as states:
            m.d.comb += self.busy.eq(~states.ongoing("Idle"))
            with m.State("Idle"):
                with m.If(self.clear):
                    m.next = "Settle"
            with m.State("Settle"):
                m.d.comb += self.halt.eq(1)
                m.next = "Drain"
            with m.State("Drain"):
                m.d.comb += self.halt.eq(1)
                with m.If(self.quiet):
                    m.next = "Reset"
            with m.State("Reset"):
                m.d.comb += self.reset.eq(1)
                m.next = "Hold"
            with m.State("Hold"):
                m.d.comb += self.reset.eq(1)
                m.next = "Idle"
        return m
