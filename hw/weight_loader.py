"""Weight loader: cuts the weight stream into tiles and feeds them to the clusters."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.axi_reader import beat_layout
from hw.layouts import LoadKind
from hw.mask_expander import MaskExpander, Wish
from hw.mask_offsets import MaskOffsets
from hw.tile_packet import Part, TilePacket
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class WeightLoader(wiring.Component):
    """Takes tile packets and addresses constants, weights and mask lines to places in a cluster.

    Timing: a header is taken at once, at h; the payload's steps are from max(h + 2, free) on, one a
    cycle at most, each in the first cycle in which the beat it asks for is there. A step at e puts
    constants or weights on the bus in e + 2, a mask line and the tile's end in e + 3; the TILE beat
    stands there in the cycle after the first one in which the payload could begin.

    Members:
        i: beats of the weight stream.
        free: for each cluster, an empty half exists; a tile needs one in all clusters of its team.
        load: what is on its way to a cluster.
        select: the clusters of the team it is for, one bit each.
        failed: what is taken does not fit this engine, or the masks lack beats.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(engine.axi_data_bits))),
                "free": In(engine.clusters),
                "load": Out(layouts.load_bus(engine)),
                "select": Out(engine.clusters),
                "failed": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.packet = packet = TilePacket(self.engine)
        m.submodules.expander = expander = MaskExpander(self.engine)
        m.submodules.offsets = offsets = MaskOffsets(self.engine)
        opened, settles, begins = Signal(), Signal(), Signal()
        active, wants, held, step = Signal(), Signal(), Signal(), Signal()
        is_header, is_payload = packet.part == Part.HEADER, packet.part == Part.PAYLOAD
        team, staged_team = Signal(self.engine.clusters), Signal(self.engine.clusters)
        data = Signal(self.engine.axi_data_bits)
        staged = Signal.like(self.load)

        def take() -> None:
            is_free = (self.free | ~team).all()
            asks = (expander.wish != Wish.NOTHING) | packet.weights_left
            m.d.comb += [
                begins.eq(~is_header & ~opened & ~settles & is_free),
                active.eq(is_header | opened | begins),
                wants.eq(Mux(is_payload, asks, ~held)),
                self.i.ready.eq(active & wants),
                step.eq(active & (self.i.valid | ~wants)),
                self.failed.eq(packet.failed | (is_payload & ~wants & ~expander.expands)),
            ]
            m.d.sync += settles.eq(is_header & step)
            with m.If(step & packet.end):
                m.d.sync += opened.eq(0)
            with m.Elif(begins):
                m.d.sync += opened.eq(1)

        def second_record() -> None:
            """A beat of two channels' constants: the second ones follow, from the stage behind."""
            m.d.comb += data.eq(self.i.p.data)
            if derived.records_per_beat(self.engine) == 1:
                return
            last = packet.lane == packet.lanes - 1
            m.d.sync += held.eq((packet.part == Part.CONSTANTS) & step & ~held & ~last)
            with m.If(held):
                m.d.comb += data.eq(staged.data >> derived.record_bits(self.engine))

        def follow() -> None:
            m.d.comb += [
                packet.step.eq(step),
                packet.data.eq(data),
                packet.weight.eq(
                    is_payload & (expander.wish == Wish.NOTHING) & packet.weights_left
                ),
                packet.masks_end.eq(expander.ends),
                expander.begin.eq(is_header & step),
                expander.words.eq(packet.tile.mask_words),
                expander.channels.eq(packet.tile.lanes),
                expander.nibble_beats.eq(packet.tile.nibble_beats),
                expander.step.eq(is_payload & step),
                expander.data.eq(self.i.p.data),
                offsets.valid.eq(expander.valid),
                offsets.first.eq(expander.first),
                offsets.group.eq(expander.lane >> derived.mask_lanes(self.engine).bit_length() - 1),
                offsets.masks.eq(expander.masks),
            ]

        def stage() -> None:
            constants = packet.part == Part.CONSTANTS
            ends = Signal()
            m.d.sync += [
                staged.valid.eq(step & (constants | packet.weight)),
                staged.kind.eq(Mux(constants, LoadKind.RECORD, LoadKind.WEIGHT)),
                staged.lane.eq(packet.lane),
                staged.line.eq(packet.line),
                staged.data.eq(data),
                staged.masks.valid.eq(expander.valid),
                staged.masks.lane.eq(expander.lane),
                staged.masks.line.eq(expander.line),
                ends.eq(step & packet.end),
                staged.end.eq(ends),
                staged_team.eq(team),
            ]
            m.d.comb += [
                staged.masks.data.eq(offsets.words),
                staged.masks.offsets.eq(offsets.offsets),
            ]

        def choose() -> None:
            with m.Switch(packet.split):
                for split in range(derived.MAX_SPLIT + 1):
                    places = [
                        derived.team_place(self.engine, k, split)
                        for k in range(self.engine.clusters)
                    ]
                    with m.Case(split):
                        m.d.comb += [
                            team[k].eq(packet.cluster == place[0])
                            for k, place in enumerate(places)
                            if place
                        ]

        def drive() -> None:
            m.d.sync += [self.load.eq(staged), self.select.eq(staged_team)]
            with m.If(begins):
                m.d.sync += [
                    self.load.valid.eq(1),
                    self.load.kind.eq(LoadKind.TILE),
                    self.load.lanes.eq(packet.lanes),
                    self.load.row.eq(packet.row),
                ]

        choose()
        take()
        second_record()
        follow()
        stage()
        drive()
        return m
