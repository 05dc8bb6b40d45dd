"""The broadcaster: from a layer's walk to beats for the lanes."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.activation_store import ActivationStore
from hw.address_generator import AddressGenerator
from hw.address_pipeline import AddressPipeline
from hw.broadcast_register import BroadcastRegister
from hw.cluster_layouts import (
    beat_layout,
    broadcast_events_layout,
    mask_index_bits,
    mask_layout,
    scan_layout,
)
from hw.word_select import WordSelect
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import Operation


class Broadcaster(wiring.Component):
    """Walks a layer, reads activation and mask words, and broadcasts beats.

    A scan that enters in p stands in the broadcast register from p + BROADCAST_STAGES on, or from
    the cycle after the one before it has left. In attention layers the walk is the attention
    unit's: the word of a read in p stands at `spikes` in p + 4.

    Members:
        index: number of the cluster, constant.
        descriptor, go: the layer and its start.
        write: write bus of the activation memories.
        list_index, list_value: asynchronous read of the token list.
        works: the layer has scans for this cluster, if it is a matmul.
        available, half, lanes: the next tile to walk; walked: its last scan enters now.
        attention, token, spikes: the attention unit's reads, its walked position, the words read.
        mask_enable, mask_half, mask_index, masks: read of the lanes' mask words.
        push, beat, matches, words, full: beats for the lanes, see BroadcastRegister.
        events: what happens in this cycle.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        channels = derived.tile_channels(engine)
        masks = data.ArrayLayout(mask_layout(engine), channels)
        tokens = range(max(2, engine.max_tokens))
        super().__init__(
            {
                "index": In(range(max(2, engine.clusters))),
                "descriptor": In(layouts.descriptor_layout()),
                "go": In(1),
                "works": Out(1),
                "write": In(layouts.write_bus(engine)),
                "list_index": Out(tokens),
                "list_value": In(tokens),
                "available": In(1),
                "half": In(1),
                "lanes": In(range(channels + 1)),
                "walked": Out(1),
                "attention": In(stream.Signature(scan_layout(engine), always_ready=True)),
                "token": In(16),
                "spikes": Out(engine.chunk * engine.time_steps),
                "mask_enable": Out(1),
                "mask_half": Out(1),
                "mask_index": Out(mask_index_bits(engine)),
                "masks": In(masks),
                "push": Out(engine.lanes),
                "beat": Out(beat_layout(engine)),
                "matches": Out(data.ArrayLayout(engine.chunk, channels)),
                "words": Out(masks),
                "full": In(engine.lanes),
                "events": Out(broadcast_events_layout(engine)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine, layer = self._engine, self.descriptor
        m.submodules.generator = generator = AddressGenerator(engine)
        m.submodules.pipeline = pipeline = AddressPipeline(engine)
        m.submodules.store = store = ActivationStore(engine)
        m.submodules.select = select = WordSelect(engine)
        m.submodules.register = register = BroadcastRegister(engine)
        # Of the layer: a register, as the token list is read behind it.
        attention = Signal()
        # Of the tile in each half; a tile under way stays as it is.
        channels = Signal.like(register.channels)

        def connect_walks() -> None:
            for name in ("index", "go", "available", "half"):
                m.d.comb += getattr(generator, name).eq(getattr(self, name))
            with m.If(self.available):
                m.d.sync += channels[self.half].eq(self.lanes)
            m.d.sync += attention.eq(layer.operation == Operation.ATTENTION)
            m.d.comb += [
                generator.descriptor.eq(layer),
                self.works.eq(generator.works),
                generator.stored.eq(self.list_value),
                generator.o.ready.eq(pipeline.i.ready & ~attention),
                self.walked.eq(generator.tile_done),
                self.list_index.eq(Mux(attention, self.token, generator.token)),
                pipeline.i.valid.eq(Mux(attention, self.attention.valid, generator.o.valid)),
                pipeline.i.p.eq(Mux(attention, self.attention.p, generator.o.p)),
            ]

        def connect_reads() -> None:
            m.d.comb += [
                pipeline.descriptor.eq(layer),
                store.write.eq(self.write),
                store.enable.eq(pipeline.enable),
                store.counts.eq(layer.source_counts),
                store.address.eq(pipeline.word),
                pipeline.o.ready.eq(attention | register.i.ready),
                self.spikes.eq(store.spikes),
            ]

        def connect_register() -> None:
            word, mark = register.i.p, pipeline.o.p
            m.d.comb += [
                select.descriptor.eq(layer),
                select.outside.eq(mark.outside),
                select.shift.eq(mark.shift),
                select.spikes.eq(store.spikes),
                select.counts.eq(store.values),
                register.walked.eq(select.walked),
                register.channels.eq(channels),
                register.i.valid.eq(pipeline.o.valid & ~attention),
                word.values.eq(select.values),
                word.slots.eq(select.slots),
                register.masks.eq(self.masks),
                register.full.eq(self.full),
            ]
            shared = ("mask", "shift", "last", "final", "half")
            m.d.comb += [word[name].eq(mark[name]) for name in shared]
            for name in ("mask_enable", "mask_half", "mask_index"):
                m.d.comb += getattr(self, name).eq(getattr(register, name))
            for name in ("push", "beat", "matches", "words"):
                m.d.comb += getattr(self, name).eq(getattr(register, name))

        def report() -> None:
            walking = Signal()
            with m.If(register.leaving & register.final):
                m.d.sync += walking.eq(0)
            with m.If(self.go):
                m.d.sync += walking.eq(~attention & self.works)
            m.d.comb += [
                self.events.scan.eq(register.leaving),
                self.events.mask_words.eq(Mux(register.leaving, channels[register.beat.half], 0)),
                self.events.skip.eq(register.skipped),
                self.events.beat.eq(register.emitted),
                self.events.stall.eq(register.stalled),
                self.events.idle.eq(walking & ~register.standing),
            ]

        connect_walks()
        connect_reads()
        connect_register()
        report()
        return m
