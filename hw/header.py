"""Header: the program's first 64 bytes, checked."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw import axi
from hw.axi_reader import beat_layout
from hw.record_collector import RecordCollector, field
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import FORMAT_VERSION, HEADER_FIELDS, HEADER_MAGIC

USED = ("layers", "weight_offset", "weight_beats", "pixels", "pixel_base")


def header_layout() -> data.StructLayout:
    """The header's fields that the engine works with."""
    return data.StructLayout({name: HEADER_FIELDS[name][2] for name in USED})


class Header(wiring.Component):
    """Keeps the header of the running program.

    Timing: `fields` and `valid` are right in the cycle after the last beat.

    Members:
        i: beats of the header; always taken.
        addresses: low bits of the program, input and output address.
        fields: what the header says.
        valid: magic, version, engine, checksum, sizes and alignments are right.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(engine.axi_data_bits))),
                "addresses": In(axi.PAGE_BITS).array(3),
                "fields": Out(header_layout()),
                "valid": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.collector = collector = RecordCollector(data_bits=self.engine.axi_data_bits)
        places = {name: field(collector.words, place) for name, place in HEADER_FIELDS.items()}
        m.d.comb += [
            self.i.ready.eq(1),
            collector.valid.eq(self.i.valid),
            collector.data.eq(self.i.p.data),
        ]
        for name in USED:
            m.d.comb += self.fields[name].eq(places[name])
        conditions = [
            collector.intact,
            places["magic"] == HEADER_MAGIC,
            places["version"] == FORMAT_VERSION,
            places["engine"] == int(self.engine.hash, 16) & 0xFFFF_FFFF,
            places["layers"] != 0,
            places["layers"] <= self.engine.max_layers,
            places["pixels"] != 0,
            places["weight_beats"] != 0,
            places["weight_offset"][: axi.PAGE_BITS] == 0,
            *(address == 0 for address in self.addresses),
        ]
        valid = conditions[0]
        for condition in conditions[1:]:
            valid = valid & condition
        m.d.comb += self.valid.eq(valid)
        return m
