"""Masks and weights of a lane's channels."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.cluster_layouts import lane_masks_layout, mask_index_bits
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import RECORD_FIELDS


class LaneMemory(wiring.Component):
    """A mask memory for each channel of a lane, and one weight memory; two halves each.

    The weights of a second channel stand behind those of the first, from the next line on.

    A word read in c (`mask_enable`, `weight_enable`) stands at the output from c + 1 on, until the
    next read. A beat on `load` in c is in the memory from c + 1 on. Never stalls.

    Members:
        load: beats of the weight stream; those of other lanes are ignored. half: where they go.
        mask_enable, mask_half, mask_index: read a mask word; masks: that of each channel, with its
            weight offset.
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
                "masks": Out(lane_masks_layout(engine)),
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

        channels = range(engine.lane_channels)
        mine = [
            self.load.valid & (self.load.lane == self._lane + channel * engine.lanes)
            for channel in channels
        ]
        # Lines of the weight memory that the first channel of the tile being loaded takes.
        used = Signal(layouts.offset_bits(engine))

        def add_memory(
            name: str, shape: data.StructLayout, lines: int, enable: Value, line: Value
        ) -> tuple[memory.WritePort, memory.ReadPort]:
            store = memory.Memory(shape=shape, depth=2 * lines, init=[])
            m.submodules[name] = store
            write, read = store.write_port(), store.read_port()
            m.d.comb += [
                write.en.eq(enable),
                write.addr.eq(Mux(self.half, lines, 0) + line),
                write.data.data.eq(self.load.data),
            ]
            return write, read

        def measure_first() -> None:
            low, bits = RECORD_FIELDS["weight_lines"]
            end = self.load.line == derived.record_beats(engine) - 1
            with m.If(mine[0] & (self.load.kind == layouts.LoadKind.RECORD) & end):
                m.d.sync += used.eq(self.load.data[low % engine.axi_data_bits :][:bits])

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
        is_mask = self.load.kind == layouts.LoadKind.MASK
        is_weight = self.load.kind == layouts.LoadKind.WEIGHT
        half, index = self.mask_half, self.mask_index
        for channel in channels:
            write, read = add_memory(
                f"mask_memory_{channel}", shape, lines, mine[channel] & is_mask, self.load.line
            )
            sub = add_read(read, lines, masks, self.mask_enable, half, index)
            before = used * weights if channel else 0
            m.d.comb += [
                *(
                    own.eq(offset + before)
                    for own, offset in zip(write.data.offsets, self.load.offsets, strict=True)
                ),
                self.masks[channel].mask.eq(read.data.data.word_select(sub, engine.chunk)),
                self.masks[channel].offset.eq(read.data.offsets[sub]),
            ]
        if engine.lane_channels > 1:
            measure_first()
        lines = derived.weight_lines(engine)
        shape = data.StructLayout({"data": engine.axi_data_bits})
        line = self.load.line
        if engine.lane_channels > 1:
            line = line + Mux(mine[1], used, 0)
        write, read = add_memory("weight_memory", shape, lines, Cat(mine).any() & is_weight, line)
        half, index = self.weight_half, self.weight_index
        sub = add_read(read, lines, weights, self.weight_enable, half, index)
        slot = derived.weight_slot_bits(engine)
        m.d.comb += self.weight.eq(read.data.data.word_select(sub, slot)[: engine.weight_bits])
        return m
