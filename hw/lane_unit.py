"""A lane with its queue and its memories."""

from __future__ import annotations

from amaranth.hdl import Module, Mux
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.cluster_layouts import (
    beat_layout,
    entry_layout,
    lane_events_layout,
    lane_masks_layout,
    lane_sums_layout,
    mask_index_bits,
)
from hw.lane import Lane
from hw.lane_memory import LaneMemory
from hw.lane_queue import LaneQueue
from sparsespike.contract.config import EngineConfig


class LaneUnit(wiring.Component):
    """Queue, adders and tile memory of a lane.

    A beat pushed in b is issued from b + 2 on, one match a cycle; `full` refuses a push while
    `fifo_depth` entries wait. See Lane for the sums.

    Members:
        load, fill_half: beats of the weight stream (of any lane), and where they go.
        mask_enable, mask_half, mask_index: read a mask word; masks: the words of the lane's
            channels, a cycle later.
        push, beat, matches, words: put a beat, its matches and its mask words into the queue.
        full: the queue has no place.
        valid, sums, take: sums of a finished walk, all taken.
        events: what happens in this cycle.
    """

    def __init__(self, engine: EngineConfig, *, lane: int) -> None:
        self._engine = engine
        self._lane = lane
        super().__init__(
            {
                "load": In(layouts.load_bus(engine)),
                "fill_half": In(1),
                "mask_enable": In(1),
                "mask_half": In(1),
                "mask_index": In(mask_index_bits(engine)),
                "masks": Out(lane_masks_layout(engine)),
                "push": In(1),
                "beat": In(beat_layout(engine)),
                "matches": In(data.ArrayLayout(engine.chunk, engine.lane_channels)),
                "words": In(lane_masks_layout(engine)),
                "full": Out(1),
                "valid": Out(1),
                "sums": Out(lane_sums_layout(engine)),
                "take": In(1),
                "events": Out(lane_events_layout(engine)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self._engine
        m.submodules.queue = queue = LaneQueue(entry_layout(engine), depth=engine.fifo_depth)
        m.submodules.lane = lane = Lane(engine)
        m.submodules.memory = memory = LaneMemory(engine, lane=self._lane)
        wiring.connect(m, queue.o, lane.i)
        for name in ("mask_enable", "mask_half", "mask_index", "load"):
            m.d.comb += getattr(memory, name).eq(getattr(self, name))
        for name in ("weight_enable", "weight_half", "weight_index"):
            m.d.comb += getattr(memory, name).eq(getattr(lane, name))
        m.d.comb += [
            memory.half.eq(self.fill_half),
            self.masks.eq(memory.masks),
            lane.weight.eq(memory.weight),
            queue.push.eq(self.push),
            queue.i.beat.eq(self.beat),
            self.full.eq(queue.full),
            self.valid.eq(lane.valid),
            self.sums.eq(lane.sums),
            lane.take.eq(self.take),
            self.events.push.eq(self.push),
            self.events.match.eq(lane.match),
            self.events.additions.eq(lane.additions),
            self.events.output_stall.eq(lane.output_stall),
        ]
        for entry, match, word in zip(queue.i.words, self.matches, self.words, strict=True):
            m.d.comb += entry.offset.eq(word.offset)
            if engine.lane_kind == "serial":
                m.d.comb += entry.match.eq(Mux(match.any(), word.mask, 0))
            else:
                m.d.comb += [entry.match.eq(match), entry.mask.eq(word.mask)]
        return m
