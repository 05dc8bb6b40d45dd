"""Frame timer: cycles of the frame and of the layer, and the watchdog."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class FrameTimer(wiring.Component):
    """Counts from cycle 0, the cycle of `start`.

    Timing: in cycle t of a frame `frame_cycles` is t; it keeps its value after the frame.
    `layer_cycles` includes the current cycle. `timeout` rises when more than `limit` cycles have
    passed since the start or the last layer began.

    Members:
        start: cycle 0.
        running: a frame runs.
        layer_begins: the first layer begins in the next cycle.
        layer_ends: last cycle of a layer.
        limit: cycles allowed; 0 for no limit.
        frame_cycles, layer_cycles, timeout: see above.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),
                "running": In(1),
                "layer_begins": In(1),
                "layer_ends": In(1),
                "limit": In(32),
                "frame_cycles": Out(64),
                "layer_cycles": Out(32),
                "timeout": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        watched = Signal(33)
        m.d.comb += self.timeout.eq(self.running & (self.limit != 0) & (watched > self.limit))
        with m.If(self.start):
            m.d.sync += [self.frame_cycles.eq(1), self.layer_cycles.eq(2), watched.eq(1)]
        with m.Elif(self.running):
            m.d.sync += [
                self.frame_cycles.eq(self.frame_cycles + 1),
                self.layer_cycles.eq(self.layer_cycles + 1),
                watched.eq(watched + 1),
            ]
            with m.If(self.layer_ends):
                m.d.sync += self.layer_cycles.eq(1)
            with m.If(self.layer_ends | self.layer_begins):
                m.d.sync += watched.eq(0)
        return m
