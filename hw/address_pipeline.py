"""From a scan to its activation word."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.cluster_layouts import mark_layout, mask_index_bits, scan_layout, word_address_bits
from hw.skid_buffer import SkidBuffer
from sparsespike.contract.config import EngineConfig


class AddressPipeline(wiring.Component):
    """Turns scans into reads: four elastic stages, the last one the memories' own output.

    A scan taken at p has its word at the memories' outputs, and stands at `o`, from p + 4 on; one
    scan a cycle. A stage waits for the next one only if both are occupied; the memories hold their
    outputs while `o` waits. The first stage has a second place, so that no path leads from
    `o.ready` to `i.ready`.

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
        m.submodules.scans = scans = SkidBuffer(scan_layout(self._engine))
        scan, mark_shape = scans.o.p, mark_layout(self._engine)
        product_mark, address_mark = (Signal(mark_shape, name=f"mark_{n}") for n in range(2))
        product_valid, address_valid = Signal(), Signal()
        row, group, offset = Signal(bits), Signal(bits), Signal(bits)
        # Of the layer: words of a position.
        position_words = Signal(bits)
        product_ready, address_ready, output_ready = Signal(), Signal(), Signal()

        def multiply_groups() -> None:
            stride = layer.source_stride[:bits]
            groups = layer.groups[: len(scan.group) + 1]
            m.d.sync += position_words.eq(Mux(layer.pixel, stride, groups * stride))
            linear = scan.neighbour * layer.chunks[: mask_index_bits(self._engine)] + scan.chunk
            shift = scan.chunk * self._engine.time_steps
            m.d.comb += product_ready.eq(~product_valid | address_ready)
            m.d.comb += scans.o.ready.eq(product_ready)
            with m.If(product_ready):
                m.d.sync += [
                    product_valid.eq(scans.o.valid),
                    row.eq(scan.position * position_words),
                    group.eq(Mux(layer.pixel, 0, scan.group * stride)),
                    offset.eq(layer.source_base + scan.chunk),
                    product_mark.mask.eq(Mux(layer.pixel, scan.neighbour, linear)),
                    product_mark.shift.eq(Mux(layer.pixel, shift, 0)),
                ]
                names = ("outside", "last", "final", "half")
                m.d.sync += [product_mark[name].eq(scan[name]) for name in names]

        def find_words() -> None:
            m.d.comb += address_ready.eq(~address_valid | output_ready)
            with m.If(address_ready):
                m.d.sync += [
                    address_valid.eq(product_valid),
                    self.word.eq(row + group + offset),
                    address_mark.eq(product_mark),
                ]

        def read_words() -> None:
            m.d.comb += output_ready.eq(~self.o.valid | self.o.ready)
            m.d.comb += self.enable.eq(address_valid & output_ready)
            with m.If(output_ready):
                m.d.sync += [self.o.valid.eq(address_valid), self.o.p.eq(address_mark)]

        wiring.connect(m, wiring.flipped(self.i), scans.i)
        multiply_groups()
        find_words()
        read_words()
        return m
