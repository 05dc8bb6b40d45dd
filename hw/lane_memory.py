"""Masks and weights of one lane."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.cluster_layouts import mask_index_bits, mask_layout
from hw.narrow_memory import NarrowMemory
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
            name: str, width: int, words: int, lines: int, loaded: Value
        ) -> NarrowMemory:
            half_lines = derived.half_words(lines)
            store = NarrowMemory(width=width, words=words, lines=2 * half_lines)
            m.submodules[name] = store
            m.d.comb += [
                store.write.eq(self.load.valid & loaded),
                store.write_line.eq(Cat(self.load.line[: half_lines.bit_length() - 1], self.half)),
            ]
            return store

        def add_masks() -> None:
            is_mine = (self.load.kind == layouts.LoadKind.MASK) & (self.load.lane == group * side)
            shape, words = mask_layout(engine), derived.mask_words(engine)
            store = add_memory("mask_memory", shape.size, 1, words, is_mine)
            mask = self.load.data.word_select(place, engine.chunk)
            m.d.comb += [
                store.write_data.eq(Cat(mask, self.load.offsets[place])),
                store.read.eq(self.mask_enable),
                store.read_word.eq(
                    Cat(self.mask_index[: len(store.read_word) - 1], self.mask_half)
                ),
                self.mask.eq(store.data),
            ]

        def add_weights() -> None:
            is_mine = (self.load.kind == layouts.LoadKind.WEIGHT) & (self.load.lane == self._lane)
            lines, per_line = derived.weight_lines(engine), derived.weights_per_beat(engine)
            slot = derived.weight_slot_bits(engine)
            store = add_memory("weight_memory", slot, per_line, lines, is_mine)
            m.d.comb += [
                store.write_data.eq(self.load.data),
                store.read.eq(self.weight_enable),
                store.read_word.eq(
                    Cat(self.weight_index[: len(store.read_word) - 1], self.weight_half)
                ),
                self.weight.eq(store.data[: engine.weight_bits]),
            ]

        add_masks()
        add_weights()
        return m
