"""Seam writer: clears a pooled map whose rows bands share, before the layer starts."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from hw import layouts
from hw.layouts import MemoryKind
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import Output


class SeamWriter(wiring.Component):
    """Writes zeros to `seam_lines` lines from the layer's destination on.

    A pooled row is the OR of rows of several bands, which reach it in any order: all of them add to
    what is stored.

    Timing: while `prepare` is high, one line is written in a cycle; `waits` falls in the cycle
    after the last one. At once in a layer without such lines.

    Members:
        descriptor: the layer. prepare: it is about to start.
        waits: there are lines left.
        write: the line cleared in this cycle.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        super().__init__(
            {
                "descriptor": In(layouts.descriptor_layout()),
                "prepare": In(1),
                "waits": Out(1),
                "write": Out(layouts.write_bus(engine)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layer = self.descriptor
        line = Signal(layouts.address_bits(self._engine) + 1)
        per_line = exact_log2(derived.rows_per_line(self._engine))
        units = len(self.write.enable)
        m.d.comb += [
            self.waits.eq(line != layer.seam_lines),
            self.write.valid.eq(self.prepare & self.waits),
            self.write.memory.eq(
                Mux(layer.output == Output.COUNT, MemoryKind.COUNT, MemoryKind.SPIKE)
            ),
            self.write.address.eq((layer.destination_base >> per_line) + line),
            self.write.enable.eq(Const((1 << units) - 1, units)),
        ]
        with m.If(self.write.valid):
            m.d.sync += line.eq(line + 1)
        with m.Else():
            m.d.sync += line.eq(0)
        return m
