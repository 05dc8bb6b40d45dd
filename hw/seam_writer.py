"""Seam writer: clears the pooled rows that two bands share, before the layer starts."""

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
    """Walks the rows of the pooled map; a row that begins a band is a seam, but for the first.

    Timing: while `prepare` is high, one line of a seam is written in a cycle, and any other row is
    passed in one; `waits` falls in the cycle after the last row. At once in a layer without seams.

    Members:
        descriptor: the layer. prepare: it is about to start.
        waits: there are rows left.
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
        row, in_band, line = Signal(16), Signal(16), Signal(16)
        offset = Signal(layouts.address_bits(self._engine))
        seam, row_done = Signal(), Signal()
        per_line = exact_log2(derived.rows_per_line(self._engine))
        units = len(self.write.enable)
        m.d.comb += [
            seam.eq((in_band == 0) & (row != 0)),
            row_done.eq(~seam | (line + 1 == layer.seam_lines)),
            self.waits.eq((layer.seam_lines != 0) & (row != (layer.height + 1) >> 1)),
            self.write.valid.eq(self.prepare & self.waits & seam),
            self.write.memory.eq(
                Mux(layer.output == Output.COUNT, MemoryKind.COUNT, MemoryKind.SPIKE)
            ),
            self.write.address.eq((layer.destination_base >> per_line) + offset + line),
            self.write.enable.eq(Const((1 << units) - 1, units)),
        ]
        with m.If(self.prepare & self.waits):
            m.d.sync += line.eq(Mux(row_done, 0, line + 1))
            with m.If(row_done):
                last = in_band + 1 == layer.band_rows >> 1
                m.d.sync += [
                    row.eq(row + 1),
                    in_band.eq(Mux(last, 0, in_band + 1)),
                    offset.eq(offset + layer.seam_lines),
                ]
        with m.Else():
            m.d.sync += [row.eq(0), in_band.eq(0), offset.eq(0)]
        return m
