"""Masks and weights of one lane."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.cluster_layouts import mask_index_bits, mask_layout
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class LaneMemory(wiring.Component):
    """Mask memory and weight memory of a lane, two halves each.

    A word read in c (`mask_enable`, `weight_enable`) stands at the output from c + 1 on, until the
    next read. What stands on `load` in c is in the memory from c + 1 on. Never stalls.

    Members:
        load: beats of the weight stream; those of other lanes are ignored. half: where they go.
        mask_enable, mask_half, mask_index: read a mask word; mask: the word and its weight offset.
        weight_enable, weight_half, weight_index: read a weight; weight: its value.
    """

    def __init__(self, engine: EngineConfig, *, lane: int) -> None:
        self._engine = engine
        self._lane = lane
        super().__init__(
            {
                "load": In(layouts.load_bus(engine)),
                "half": In(1),
                "mask_enable": In(1),
                "mask_half": In(1),
                "mask_index": In(mask_index_bits(engine)),
                "mask": Out(mask_layout(engine)),
                "weight_enable": In(1),
                "weight_half": In(1),
                "weight_index": In(layouts.offset_bits(engine)),
                "weight": Out(engine.weight_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self._engine
        side = derived.mask_lanes(engine)
        group, place = self._lane // side, self._lane % side

        def add_memory(
            name: str,
            shape: data.StructLayout,
            lines: int,
            loaded: Value,
        ) -> tuple[memory.WritePort, memory.ReadPort]:
            half_lines = derived.half_words(lines)
            store = memory.Memory(shape=shape, depth=2 * half_lines, init=[])
            m.submodules[name] = store
            write, read = store.write_port(), store.read_port()
            m.d.comb += [
                write.en.eq(self.load.valid & loaded),
                write.addr.eq(Cat(self.load.line[: half_lines.bit_length() - 1], self.half)),
            ]
            return write, read

        def add_masks() -> None:
            is_mine = (self.load.kind == layouts.LoadKind.MASK) & (self.load.lane == group * side)
            words = derived.mask_words(engine)
            write, read = add_memory("mask_memory", mask_layout(engine), words, is_mine)
            m.d.comb += [
                write.data.mask.eq(self.load.data.word_select(place, engine.chunk)),
                write.data.offset.eq(self.load.offsets[place]),
                read.en.eq(self.mask_enable),
                read.addr.eq(Cat(self.mask_index[: len(read.addr) - 1], self.mask_half)),
                self.mask.eq(read.data),
            ]

        def add_weights() -> None:
            is_mine = (self.load.kind == layouts.LoadKind.WEIGHT) & (self.load.lane == self._lane)
            lines, per_line = derived.weight_lines(engine), derived.weights_per_beat(engine)
            shape = data.StructLayout({"data": engine.axi_data_bits})
            write, read = add_memory("weight_memory", shape, lines, is_mine)
            shift = per_line.bit_length() - 1
            sub = Signal(shift)
            address = self.weight_index[shift : shift + len(read.addr) - 1]
            m.d.comb += [
                write.data.data.eq(self.load.data),
                read.en.eq(self.weight_enable),
                read.addr.eq(Cat(address, self.weight_half)),
            ]
            with m.If(self.weight_enable):
                m.d.sync += sub.eq(self.weight_index)
            slot = derived.weight_slot_bits(engine)
            m.d.comb += self.weight.eq(read.data.data.word_select(sub, slot)[: engine.weight_bits])

        add_masks()
        add_weights()
        return m
