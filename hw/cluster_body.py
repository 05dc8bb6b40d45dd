"""The parts of a cluster: broadcaster, lanes, neuron unit, attention unit."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.attention_unit import AttentionUnit
from hw.bits import popcount, tree_sum
from hw.broadcaster import Broadcaster
from hw.lane_unit import LaneUnit
from hw.neuron_unit import NeuronUnit
from hw.tile_store import TileStore
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import Operation


def cluster_signature(engine: EngineConfig) -> wiring.Signature:
    """Ports of a cluster; see Cluster."""
    tokens = range(max(2, engine.max_tokens))
    increments = layouts.cluster_increments(engine)
    return wiring.Signature(
        {
            "descriptor": In(layouts.descriptor_layout()),
            "go": In(1),
            "busy": Out(1),
            "write": In(layouts.write_bus(engine)),
            "list_index": Out(tokens),
            "list_value": In(tokens),
            "load": In(layouts.load_bus(engine)),
            "free": Out(1),
            "rows": Out(stream.Signature(layouts.row_layout(engine))),
            "increments": Out(increments),
        }
    )


def cluster_body_signature(engine: EngineConfig) -> wiring.Signature:
    """Ports of a cluster whose number is an input."""
    index = In(range(max(2, engine.clusters)))
    return wiring.Signature({"index": index, **cluster_signature(engine).members})


class ClusterBody(wiring.Component):
    """What a Cluster consists of: the same for all clusters with, or all without, attention unit.

    Timing: see Cluster.

    Members:
        index: number of the cluster, constant; the others are those of Cluster.
    """

    def __init__(self, engine: EngineConfig, *, attention: bool) -> None:
        self._engine = engine
        self._attention = attention
        super().__init__(cluster_body_signature(engine))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self._engine
        m.submodules.tiles = tiles = TileStore(engine)
        m.submodules.broadcaster = broadcaster = Broadcaster(engine)
        m.submodules.neuron = neuron = NeuronUnit(engine, attention=self._attention)
        lanes = [LaneUnit(engine, lane=lane) for lane in range(engine.lanes)]
        counts = self.increments

        def connect_tiles() -> None:
            m.d.comb += [
                tiles.load.eq(self.load),
                self.free.eq(tiles.free),
                broadcaster.available.eq(tiles.available),
                broadcaster.half.eq(tiles.walk_half),
                broadcaster.lanes.eq(tiles.walk_lanes),
                tiles.walked.eq(broadcaster.walked),
                neuron.lanes.eq(tiles.take_lanes),
                neuron.next_lanes.eq(tiles.next_lanes),
                neuron.row.eq(tiles.take_row),
                tiles.taken.eq(neuron.tile_taken),
                tiles.lane.eq(neuron.lane),
                neuron.constants.eq(tiles.constants),
            ]

        def connect_lane(number: int, lane: LaneUnit) -> None:
            m.submodules[f"lane_{number}"] = lane
            m.d.comb += [
                lane.load.eq(self.load),
                lane.fill_half.eq(tiles.fill_half),
                lane.mask_enable.eq(broadcaster.mask_enable),
                lane.mask_half.eq(broadcaster.mask_half),
                lane.mask_index.eq(broadcaster.mask_index),
                lane.push.eq(broadcaster.push[number]),
                lane.beat.eq(broadcaster.beat),
                broadcaster.full[number].eq(lane.full),
                lane.take.eq(neuron.take[number]),
            ]
            for place in range(engine.lane_channels):
                channel = number + place * engine.lanes
                m.d.comb += [
                    broadcaster.masks[channel].eq(lane.masks[place]),
                    lane.matches[place].eq(broadcaster.matches[channel]),
                    lane.words[place].eq(broadcaster.words[channel]),
                    neuron.ready[channel].eq(lane.valid),
                    neuron.sums[channel].eq(lane.sums[place]),
                ]

        def connect_attention() -> None:
            m.submodules.attention = attention = AttentionUnit(engine)
            wiring.connect(m, attention.o, broadcaster.attention)
            m.d.comb += [
                attention.descriptor.eq(self.descriptor),
                attention.index.eq(self.index),
                attention.go.eq(self.go),
                broadcaster.token.eq(attention.token),
                attention.stored.eq(self.list_value),
                attention.spikes.eq(broadcaster.spikes),
                neuron.attention_ready.eq(attention.ready),
                neuron.attention_sums.eq(attention.sums),
                attention.take.eq(neuron.attention_take),
            ]
            m.d.sync += [
                counts.attention_words_read.eq(attention.reading),
                counts.attention_updates.eq(attention.update),
                counts.attention_accumulates.eq(attention.accumulate),
            ]

        def connect_layer() -> None:
            for part in (broadcaster, neuron):
                m.d.comb += [part.descriptor.eq(self.descriptor), part.go.eq(self.go)]
                m.d.comb += part.index.eq(self.index)
            wiring.connect(m, neuron.rows, wiring.flipped(self.rows))
            m.d.comb += [
                broadcaster.write.eq(self.write),
                self.list_index.eq(broadcaster.list_index),
                broadcaster.list_value.eq(self.list_value),
            ]
            attends = (self.descriptor.heads > self.index) & int(self._attention)
            attention = self.descriptor.operation == Operation.ATTENTION
            with m.If(self.go):
                m.d.sync += self.busy.eq(attends & attention)
                with m.If(~attention):
                    m.d.sync += self.busy.eq(broadcaster.works)
            with m.Elif(neuron.done):
                m.d.sync += self.busy.eq(0)

        def count() -> None:
            events = broadcaster.events
            happened = [Signal.like(lane.events) for lane in lanes]
            m.d.sync += [late.eq(lane.events) for late, lane in zip(happened, lanes, strict=True)]
            m.d.sync += [
                counts.chunks_scanned.eq(events.scan),
                counts.chunks_skipped.eq(events.skip),
                counts.chunks_broadcast.eq(events.beat),
                counts.mask_words_read.eq(events.mask_words),
                counts.broadcast_stalls.eq(events.stall),
                counts.broadcast_idle.eq(events.idle),
                counts.queue_entries.eq(popcount(Cat(lane.push for lane in happened))),
                counts.weights_read.eq(popcount(Cat(lane.match for lane in happened))),
                counts.additions.eq(tree_sum([lane.additions for lane in happened])),
                counts.lane_output_stalls.eq(popcount(Cat(lane.output_stall for lane in happened))),
                counts.lif_updates.eq(neuron.updates),
                counts.spikes_fired.eq(neuron.fired),
                counts.row_stalls.eq(neuron.row_stall),
                counts.selector_updates.eq(neuron.selected),
            ]

        connect_tiles()
        for number, lane in enumerate(lanes):
            connect_lane(number, lane)
        if self._attention:
            connect_attention()
        connect_layer()
        count()
        return m
