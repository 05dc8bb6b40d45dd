"""From a scan to its activation word."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.cluster_layouts import mark_layout, mask_index_bits, scan_layout, word_address_bits
from hw.skid_buffer import SkidBuffer
from sparsespike.contract.config import EngineConfig


class AddressPipeline(wiring.Component):
    """Turns scans into reads: four elastic stages, the last one the memories' own output.

    A scan taken at p has its word at the memories' outputs, and stands at `o`, from p + 4 on; one
    scan a cycle. A stage waits for the next one only if both are occupied; the memories hold their
    outputs while `o` waits. The third stage, which knows the addresses, has a second place, so that
    no path leads from `o.ready` to `i.ready`.

    Members:
        descriptor: the layer.
        i: scans.
        enable: the memories read in this cycle.
        word: activation word address.
        o: what goes with the word that stands at the memories' outputs.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        super().__init__(
            {
                "descriptor": In(layouts.descriptor_layout()),
                "i": In(stream.Signature(scan_layout(engine))),
                "enable": Out(1),
                "word": Out(word_address_bits(engine)),
                "o": Out(stream.Signature(mark_layout(engine))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layer = self.descriptor
        bits = word_address_bits(self._engine)
        read = data.StructLayout({"word": bits, "mark": mark_layout(self._engine)})
        m.submodules.addresses = addresses = SkidBuffer(read)
        scan, position_valid = Signal(scan_layout(self._engine)), Signal()
        mark, product_valid = Signal(mark_layout(self._engine)), Signal()
        row, group, offset = Signal(bits), Signal(bits), Signal(bits)
        # Of the layer: words of a position.
        position_words = Signal(bits)
        position_ready, product_ready, output_ready = Signal(), Signal(), Signal()

        def accept_position() -> None:
            m.d.comb += [position_ready.eq(~position_valid | product_ready)]
            m.d.comb += self.i.ready.eq(position_ready)
            with m.If(position_ready):
                m.d.sync += [position_valid.eq(self.i.valid), scan.eq(self.i.p)]

        def multiply_groups() -> None:
            stride = layer.source_stride[:bits]
            groups = layer.groups[: len(scan.group) + 1]
            m.d.sync += position_words.eq(Mux(layer.pixel, stride, groups * stride))
            linear = scan.neighbour * layer.chunks[: mask_index_bits(self._engine)] + scan.chunk
            m.d.comb += product_ready.eq(~product_valid | addresses.i.ready)
            with m.If(product_ready):
                m.d.sync += [
                    product_valid.eq(position_valid),
                    row.eq(scan.position * position_words),
                    group.eq(Mux(layer.pixel, 0, scan.group * stride)),
                    offset.eq(layer.source_base + scan.chunk),
                    mark.mask.eq(Mux(layer.pixel, scan.neighbour, linear)),
                    mark.shift.eq(Mux(layer.pixel, scan.chunk * self._engine.time_steps, 0)),
                ]
                names = ("outside", "last", "final", "half")
                m.d.sync += [mark[name].eq(scan[name]) for name in names]

        def find_words() -> None:
            m.d.comb += [
                addresses.i.valid.eq(product_valid),
                addresses.i.p.word.eq(row + group + offset),
                addresses.i.p.mark.eq(mark),
            ]

        def read_words() -> None:
            m.d.comb += [
                output_ready.eq(~self.o.valid | self.o.ready),
                addresses.o.ready.eq(output_ready),
                self.enable.eq(addresses.o.valid & output_ready),
                self.word.eq(addresses.o.p.word),
            ]
            with m.If(output_ready):
                m.d.sync += [self.o.valid.eq(addresses.o.valid), self.o.p.eq(addresses.o.p.mark)]

        accept_position()
        multiply_groups()
        find_words()
        read_words()
        return m
