"""A private copy of the spike and count memories."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.cluster_layouts import word_address_bits
from hw.verilog_platform import NO_COLLISIONS
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class ActivationStore(wiring.Component):
    """Spike and count memory behind one read port of words.

    A word asked for in cycle c (`enable`) stands at the output from c + 1 on, until the next
    `enable`. A write in cycle c is seen by reads from c + 1 on. A line is never read in the cycle
    of its writing: no layer writes what it reads. Never stalls.

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

        def add_memory(name: str, lines: int, slot_bits: int, kind: layouts.MemoryKind) -> None:
            width = derived.line_slots(engine) * slot_bits
            depth = max(2, lines)
            store = memory.Memory(shape=width, depth=depth, init=[], attrs=NO_COLLISIONS)
            m.submodules[name] = store
            write = store.write_port(granularity=derived.unit_slots(engine) * slot_bits)
            read = store.read_port()
            selected = self.write.valid & (self.write.memory == kind)
            m.d.comb += [
                write.addr.eq(self.write.address),
                write.data.eq(self.write.data),
                write.en.eq(Mux(selected, self.write.enable, 0)),
                read.addr.eq(self.address >> shift),
                read.en.eq(self.enable & (self.counts == (kind == layouts.MemoryKind.COUNT))),
            ]
            word = self.values if kind == layouts.MemoryKind.COUNT else self.spikes
            word_bits = engine.chunk * slot_bits
            m.d.comb += word.eq(read.data.word_select(sub, word_bits) if shift else read.data)

        steps, counts = engine.time_steps, engine.time_steps * engine.count_bits
        add_memory("spike_memory", derived.spike_lines(engine), steps, layouts.MemoryKind.SPIKE)
        add_memory("count_memory", derived.count_lines(engine), counts, layouts.MemoryKind.COUNT)
        return m
