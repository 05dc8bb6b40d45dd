"""From a scan to its activation word and mask word."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.cluster_layouts import mask_index_bits, scan_layout, word_address_bits
from sparsespike.contract.config import EngineConfig


class AddressPipeline(wiring.Component):
    """Turns scans into reads: four elastic stages, the last one the memories' own output.

    A scan taken at p has its words at the memories' outputs, and stands at `o`, from p + 4 on; one
    scan a cycle. A stage waits for the next one only if both are occupied; the memories hold their
    outputs while `o` waits.

    Members:
        descriptor: the layer.
        i: scans.
        enable: the memories read in this cycle.
        word: activation word address; mask: mask word index in the half of `mask_half`.
        o: the scan whose words stand at the memories' outputs.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        super().__init__(
            {
                "descriptor": In(layouts.descriptor_layout()),
                "i": In(stream.Signature(scan_layout(engine))),
                "enable": Out(1),
                "word": Out(word_address_bits(engine)),
                "mask": Out(mask_index_bits(engine)),
                "mask_half": Out(1),
                "o": Out(stream.Signature(scan_layout(engine))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layer = self.descriptor
        bits = word_address_bits(self._engine)
        position = Signal(data.StructLayout({"valid": 1, "scan": scan_layout(self._engine)}))
        product = Signal(position.shape())
        address = Signal(position.shape())
        row, offset = Signal(bits), Signal(bits)
        next_mask = Signal.like(self.mask)
        position_ready, product_ready = Signal(), Signal()
        address_ready, output_ready = Signal(), Signal()

        def accept_position() -> None:
            m.d.comb += [position_ready.eq(~position.valid | product_ready)]
            m.d.comb += self.i.ready.eq(position_ready)
            with m.If(position_ready):
                m.d.sync += [position.valid.eq(self.i.valid), position.scan.eq(self.i.p)]

        def multiply_groups() -> None:
            scan = position.scan
            whole = scan.position * layer.groups + scan.group
            linear = scan.neighbour * layer.chunks + scan.chunk
            m.d.comb += product_ready.eq(~product.valid | address_ready)
            with m.If(product_ready):
                m.d.sync += [
                    product.eq(position),
                    row.eq(Mux(layer.pixel, scan.position, whole)),
                    offset.eq(layer.source_base + scan.chunk),
                    next_mask.eq(Mux(layer.pixel, scan.neighbour, linear)),
                ]

        def find_words() -> None:
            m.d.comb += address_ready.eq(~address.valid | output_ready)
            with m.If(address_ready):
                m.d.sync += [
                    address.eq(product),
                    self.word.eq(row * layer.source_stride[:bits] + offset),
                    self.mask.eq(next_mask),
                ]

        def read_words() -> None:
            m.d.comb += [
                output_ready.eq(~self.o.valid | self.o.ready),
                self.enable.eq(address.valid & output_ready),
                self.mask_half.eq(address.scan.half),
            ]
            with m.If(output_ready):
                m.d.sync += [self.o.valid.eq(address.valid), self.o.p.eq(address.scan)]

        accept_position()
        multiply_groups()
        find_words()
        read_words()
        return m
