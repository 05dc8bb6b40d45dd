"""Descriptor store: all descriptors of a program, and the one that runs."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.axi_reader import beat_layout
from hw.record_collector import RecordCollector, field
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import DESCRIPTOR_FIELDS, DESCRIPTOR_MAGIC, Operation


class DescriptorStore(wiring.Component):
    """Fills from a stream and fetches one descriptor at a time.

    Timing: `fetch` held from cycle L on reads beat i in L + i; `done` and `valid` stand in
    L + descriptor_beats + DESCRIPTOR_CYCLES - 2; `descriptor` changes after
    L + descriptor_beats + 2, so that what follows from it can be registered.

    Members:
        rewind: the next beat is the first of descriptor 0.
        i: beats to store; always taken.
        fetch, layer: read this layer's descriptor, until `done`.
        done: the descriptor has arrived; valid: it can be run.
        descriptor: the last one fetched, stable until the next one is.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        super().__init__(
            {
                "rewind": In(1),
                "i": In(stream.Signature(beat_layout(engine.axi_data_bits))),
                "fetch": In(1),
                "layer": In(16),
                "done": Out(1),
                "valid": Out(1),
                "descriptor": Out(layouts.descriptor_layout()),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        beats = derived.descriptor_beats(self.engine)
        depth = self.engine.max_layers * beats
        m.submodules.memory = memory = Memory(shape=self.engine.axi_data_bits, depth=depth, init=[])
        m.submodules.collector = collector = RecordCollector(data_bits=self.engine.axi_data_bits)
        places = {name: field(collector.words, place) for name, place in DESCRIPTOR_FIELDS.items()}

        def store() -> None:
            write = memory.write_port()
            address = Signal(range(depth + 1))
            m.d.comb += [
                self.i.ready.eq(1),
                write.en.eq(self.i.valid),
                write.addr.eq(address),
                write.data.eq(self.i.p.data),
            ]
            with m.If(self.rewind):
                m.d.sync += address.eq(0)
            with m.Elif(self.i.valid):
                m.d.sync += address.eq(address + 1)

        def fetch() -> None:
            read = memory.read_port()
            step = Signal(range(beats + derived.DESCRIPTOR_CYCLES - 1))
            # A register behind the memory, whose output takes long to stand.
            reading, arrived = Signal(2), Signal(self.engine.axi_data_bits)
            m.d.comb += [
                read.en.eq(self.fetch & (step < beats)),
                read.addr.eq(Cat(step[: (beats - 1).bit_length()], self.layer)),
                collector.valid.eq(reading[1]),
                collector.data.eq(arrived),
                self.done.eq(self.fetch & (step == beats + derived.DESCRIPTOR_CYCLES - 2)),
            ]
            m.d.sync += [reading.eq(Cat(read.en, reading)), arrived.eq(read.data)]
            with m.If(self.done):
                m.d.sync += step.eq(0)
            with m.Elif(self.fetch):
                m.d.sync += step.eq(step + 1)
            with m.If(self.fetch & (step == beats + 2)):
                for name, place in places.items():
                    m.d.sync += self.descriptor[name].eq(place)

        store()
        fetch()
        operation = places["operation"]
        m.d.sync += self.valid.eq(
            collector.intact
            & (places["magic"] == DESCRIPTOR_MAGIC)
            & ((operation == Operation.MATMUL.value) | (operation == Operation.ATTENTION.value))
            & (places["tokens"] != 0)
            & (places["groups"] != 0)
        )
        return m
