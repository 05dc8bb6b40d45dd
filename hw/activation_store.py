"""A private copy of the spike and count memories."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.cluster_layouts import word_address_bits
from hw.line_memory import LineMemory
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class ActivationStore(wiring.Component):
    """Spike and count memory behind one read port of words.

    A word asked for in cycle c (`enable`) stands at the output from c + 1 on, until the next
    `enable`. A write in cycle c is seen by reads from c + 1 on; a layer never
    reads what it writes. Never stalls.

    Members:
        write: the write bus, a line at a time.
        enable, counts, address: read a word; `counts` selects the count memory.
        spikes: the word, C slots of A bits.
        values: the word, C slots of A counts of P bits.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        bits = engine.chunk * engine.time_steps
        super().__init__(
            {
                "write": In(layouts.write_bus(engine)),
                "enable": In(1),
                "counts": In(1),
                "address": In(word_address_bits(engine)),
                "spikes": Out(bits),
                "values": Out(bits * engine.count_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self._engine
        shift = derived.words_per_line(engine).bit_length() - 1
        sub = Signal(max(1, shift))
        with m.If(self.enable):
            m.d.sync += sub.eq(self.address[:shift])

        def add_memory(name: str, lines: int, slot_bits: int, kind: layouts.MemoryKind) -> Value:
            store = LineMemory(
                width=derived.line_slots(engine) * slot_bits,
                depth=lines,
                units=len(self.write.enable),
                address_bits=layouts.address_bits(engine),
                apart=True,
            )
            m.submodules[name] = store
            selected = self.write.valid & (self.write.memory == kind)
            m.d.comb += [
                store.write.eq(Mux(selected, self.write.enable, 0)),
                store.write_address.eq(self.write.address),
                store.write_data.eq(self.write.data),
                store.read.eq(self.enable & (self.counts == (kind == layouts.MemoryKind.COUNT))),
                store.read_address.eq(self.address >> shift),
            ]
            word_bits = engine.chunk * slot_bits
            return store.read_data.word_select(sub, word_bits) if shift else store.read_data

        kinds, steps = layouts.MemoryKind, engine.time_steps
        spikes = add_memory("spike_memory", derived.spike_lines(engine), steps, kinds.SPIKE)
        counts = add_memory(
            "count_memory", derived.count_lines(engine), steps * engine.count_bits, kinds.COUNT
        )
        m.d.comb += [self.spikes.eq(spikes), self.values.eq(counts)]
        return m
