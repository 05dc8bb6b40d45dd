"""The neuron unit: takes finished sums, one a cycle, and makes rows of them."""

from __future__ import annotations

from functools import reduce
from operator import or_

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.bits import popcount
from hw.cluster_layouts import sums_layout
from hw.neuron_pipeline import NeuronPipeline
from hw.pool_merger import PoolMerger
from hw.row_queue import RowQueue
from hw.take_walk import TakeWalk
from hw.tile_store import constants_layout
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import Operation, Output


class NeuronUnit(wiring.Component):
    """Takes sums in walk order and offers finished rows.

    The row completed by a take in k is offered from k + `neuron_latency` on. A take waits for its
    source, for the membranes of the row before, and, if it completes a row that is stored, for a
    place in the row queue.

    Members:
        index: number of the cluster, constant.
        descriptor, go: the layer and its start.
        lanes, row: the tile (its channels) whose sums are taken next; next_lanes: of the tile
            after it; tile_taken: its last take happens now.
        ready, sums: of each channel; take: the last sums of a lane are taken in this cycle.
        attention_ready, attention_sums, attention_take: the same of the attention unit.
        lane: the lane that is taken; constants: one cycle later, its constants.
        rows: finished rows; done: the layer's last row is accepted in this cycle.
        updates, fired, row_stall, selected: for the counters.
    """

    def __init__(self, engine: EngineConfig, *, attention: bool) -> None:
        self._engine = engine
        self._attention = attention
        steps = range(engine.time_steps + 1)
        channels = derived.tile_channels(engine)
        super().__init__(
            {
                "index": In(range(max(2, engine.clusters))),
                "descriptor": In(layouts.descriptor_layout()),
                "go": In(1),
                "lanes": In(range(channels + 1)),
                "next_lanes": In(range(channels + 1)),
                "row": In(16),
                "tile_taken": Out(1),
                "ready": In(channels),
                "sums": In(data.ArrayLayout(sums_layout(engine), channels)),
                "take": Out(engine.lanes),
                "attention_ready": In(1),
                "attention_sums": In(sums_layout(engine)),
                "attention_take": Out(1),
                "lane": Out(range(max(2, channels))),
                "constants": In(constants_layout(engine)),
                "rows": Out(stream.Signature(layouts.row_layout(engine))),
                "done": Out(1),
                "updates": Out(steps),
                "fired": Out(steps),
                "row_stall": Out(1),
                "selected": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine, layer = self._engine, self.descriptor
        m.submodules.walk = walk = TakeWalk(engine, attention=self._attention)
        m.submodules.pipeline = pipeline = NeuronPipeline(engine)
        m.submodules.merger = merger = PoolMerger(engine)
        m.submodules.queue = queue = RowQueue(engine)
        attention = Signal()
        sums = Signal(sums_layout(engine))
        wiring.connect(m, queue.o, wiring.flipped(self.rows))
        shared = ("index", "go", "lanes", "next_lanes", "row", "ready", "attention_ready")
        for name in shared:
            m.d.comb += getattr(walk, name).eq(getattr(self, name))
        for lane in range(engine.lanes):
            takes = [
                walk.channel[v] & (self.lanes <= v + engine.lanes)
                for v in range(lane, derived.tile_channels(engine), engine.lanes)
            ]
            m.d.comb += self.take[lane].eq(walk.take & ~attention & Cat(takes).any())
        # A register for each source, 0 while the other's sums are taken: as one more input of the
        # lanes' multiplexer, the attention unit's sums would take three LUTs a bit.
        lane_sums = Array(sums.as_value() for sums in self.sums)
        sources = [(~attention, lane_sums[self.lane])]
        if self._attention:
            sources.append((attention, self.attention_sums.as_value()))
        taken = [Signal(len(source), name=f"taken_{n}") for n, (_, source) in enumerate(sources)]
        for register, (used, source) in zip(taken, sources, strict=True):
            m.d.sync += register.eq(Mux(used, source, 0))
        m.d.comb += sums.eq(reduce(or_, taken))
        m.d.sync += attention.eq(layer.operation == Operation.ATTENTION)
        m.d.comb += [
            walk.descriptor.eq(layer),
            walk.credit.eq(queue.credit),
            self.tile_taken.eq(walk.tile_taken),
            self.attention_take.eq(walk.take & attention),
            self.lane.eq(walk.o.slot),
            pipeline.descriptor.eq(layer),
            pipeline.biased.eq(walk.biased),
            pipeline.take.eq(walk.take),
            pipeline.i.eq(walk.o),
            pipeline.sums.eq(sums),
            pipeline.constants.eq(self.constants),
            queue.allocate.eq(walk.take & walk.o.complete & walk.o.merge.stored),
            queue.place.eq(walk.place),
            merger.pool.eq(layer.pool),
            merger.fill.eq(pipeline.fill),
            merger.i.eq(pipeline.merge),
            merger.spikes.eq(pipeline.spikes),
            queue.fill.eq(merger.queue),
            queue.spikes.eq(merger.o),
            queue.value.eq(pipeline.value),
            self.done.eq(queue.done),
            self.updates.eq(Mux(walk.take, popcount(walk.o.steps), 0)),
            self.fired.eq(popcount(pipeline.fired)),
            self.row_stall.eq(walk.row_stall),
            self.selected.eq(walk.take & ~attention & (layer.output == Output.SCORE)),
        ]
        return m
