"""Masks and weights of a lane's channels."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.cluster_layouts import lane_masks_layout, mask_index_bits, mask_layout
from hw.narrow_memory import NarrowMemory
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class LaneMemory(wiring.Component):
    """A mask memory for each channel of a lane, and one weight memory; two halves each.

    The weights of a second channel stand behind those of the first, from the next line on.

    A word read in c (`mask_enable`, `weight_enable`) stands at the output from c + 1 on, until the
    next read. What stands on `load` in c is in the memory from c + 1 on. Never stalls.

    Members:
        load: what the weight stream brings; other lanes' is ignored. half: where it goes.
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
        load = self.load
        channels = range(self._lane, derived.tile_channels(engine), engine.lanes)
        # Lines of weights that the first channel of the tile being loaded takes.
        used = Signal(range(derived.weight_lines(engine) + 1))

        def add_memory(
            name: str, width: int, words: int, lines: int, loaded: Value, line: Value
        ) -> NarrowMemory:
            half_lines = derived.half_words(lines)
            store = NarrowMemory(width=width, words=words, lines=2 * half_lines)
            m.submodules[name] = store
            m.d.comb += [
                store.write.eq(loaded),
                store.write_line.eq(Cat(line[: half_lines.bit_length() - 1], self.half)),
            ]
            return store

        def add_masks(number: int, channel: int) -> None:
            side, words, line = derived.mask_lanes(engine), engine.mask_depth, load.masks
            group, place = channel // side, channel % side
            is_mine = line.valid & (line.lane == group * side)
            width, name = mask_layout(engine).size, f"mask_memory_{number}"
            store = add_memory(name, width, 1, words, is_mine, line.line)
            mask = line.data.word_select(place, engine.chunk)
            before = used * derived.weights_per_beat(engine) if number else 0
            offset = Signal(layouts.offset_bits(engine), name=f"offset_{number}")
            m.d.comb += [
                offset.eq(line.offsets[place] + before),
                store.write_data.eq(Cat(mask, offset)),
                store.read.eq(self.mask_enable),
                store.read_word.eq(
                    Cat(self.mask_index[: len(store.read_word) - 1], self.mask_half)
                ),
                self.masks[number].eq(store.data),
            ]

        def measure_first() -> None:
            low, bits = derived.record_fields(engine)["weight_lines"]
            is_end = load.line == derived.record_beats(engine) - 1
            is_mine = (load.kind == layouts.LoadKind.RECORD) & (load.lane == channels[0])
            with m.If(load.valid & is_mine & is_end):
                m.d.sync += used.eq(load.data[low % engine.axi_data_bits :][:bits])

        def add_weights() -> None:
            is_weight, line = load.valid & (load.kind == layouts.LoadKind.WEIGHT), load.line
            is_mine = is_weight & Cat(load.lane == channel for channel in channels).any()
            if len(channels) > 1:
                line = load.line + Mux(load.lane == channels[1], used, 0)
            lines, per_line = derived.weight_lines(engine), derived.weights_per_beat(engine)
            slot = derived.weight_slot_bits(engine)
            store = add_memory("weight_memory", slot, per_line, lines, is_mine, line)
            m.d.comb += [
                store.write_data.eq(load.data),
                store.read.eq(self.weight_enable),
                store.read_word.eq(
                    Cat(self.weight_index[: len(store.read_word) - 1], self.weight_half)
                ),
                self.weight.eq(store.data[: engine.weight_bits]),
            ]

        for number, channel in enumerate(channels):
            add_masks(number, channel)
        if len(channels) > 1:
            measure_first()
        add_weights()
        return m
