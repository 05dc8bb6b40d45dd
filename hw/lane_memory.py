"""Masks and weights of one lane."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.cluster_layouts import mask_index_bits, mask_layout
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class LaneMemory(wiring.Component):
    """Mask memory and weight memory of a lane, two halves each.

    A word read in c (`mask_enable`, `weight_enable`) stands at the output from c + 1 on, until the
    next read. A beat on `load` in c is in the memory from c + 1 on. Never stalls.

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
        masks, weights = derived.masks_per_beat(engine), derived.weights_per_beat(engine)

        def add_memory(
            name: str, kind: layouts.LoadKind, shape: data.StructLayout, lines: int
        ) -> tuple[memory.WritePort, memory.ReadPort]:
            store = memory.Memory(shape=shape, depth=2 * lines, init=[])
            m.submodules[name] = store
            write, read = store.write_port(), store.read_port()
            mine = self.load.valid & (self.load.lane == self._lane)
            m.d.comb += [
                write.en.eq(mine & (self.load.kind == kind)),
                write.addr.eq(Mux(self.half, lines, 0) + self.load.line),
                write.data.data.eq(self.load.data),
            ]
            return write, read

        def add_read(
            read: memory.ReadPort,
            lines: int,
            per_line: int,
            enable: Value,
            half: Value,
            index: Value,
        ) -> Signal:
            shift = per_line.bit_length() - 1
            sub = Signal(max(1, shift))
            m.d.comb += read.addr.eq(Mux(half, lines, 0) + (index >> shift))
            m.d.comb += read.en.eq(enable)
            with m.If(enable):
                m.d.sync += sub.eq(index[:shift])
            return sub

        lines = derived.mask_lines(engine)
        offsets = data.ArrayLayout(layouts.offset_bits(engine), masks)
        shape = data.StructLayout({"data": engine.axi_data_bits, "offsets": offsets})
        write, read = add_memory("mask_memory", layouts.LoadKind.MASK, shape, lines)
        half, index = self.mask_half, self.mask_index
        sub = add_read(read, lines, masks, self.mask_enable, half, index)
        m.d.comb += [
            write.data.offsets.eq(self.load.offsets),
            self.mask.mask.eq(read.data.data.word_select(sub, engine.chunk)),
            self.mask.offset.eq(read.data.offsets[sub]),
        ]
        lines = derived.weight_lines(engine)
        shape = data.StructLayout({"data": engine.axi_data_bits})
        write, read = add_memory("weight_memory", layouts.LoadKind.WEIGHT, shape, lines)
        half, index = self.weight_half, self.weight_index
        sub = add_read(read, lines, weights, self.weight_enable, half, index)
        slot = derived.weight_slot_bits(engine)
        m.d.comb += self.weight.eq(read.data.data.word_select(sub, slot)[: engine.weight_bits])
        return m
