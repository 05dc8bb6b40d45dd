"""Weight loader: cuts the weight stream into tiles and feeds them to the clusters."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.axi_reader import beat_layout
from hw.layouts import LoadKind
from hw.mask_offsets import MaskOffsets
from hw.tile_packet import Section, TilePacket
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig

_KINDS = {
    Section.RECORD: LoadKind.RECORD,
    Section.MASK: LoadKind.MASK,
    Section.WEIGHT: LoadKind.WEIGHT,
}


class WeightLoader(wiring.Component):
    """Takes tile packets and addresses every payload beat to a place in a cluster.

    Timing: a header is taken at once, at h; payload from max(h + 1, free) on, one beat a cycle,
    but one of masks keeps the loader for as many cycles as it has words of a lane.
    A payload beat taken at e is on the bus in e + 2 (word w of its masks in e + 2 + w);
    the TILE beat stands there in the cycle after the first one in which the payload could be taken.

    Members:
        i: beats of the weight stream.
        free: for each cluster, an empty half exists; a tile needs one in all clusters of its team.
        load: a beat on its way to a cluster.
        select: the clusters of the team it is for, one bit each.
        failed: the beat taken does not fit this engine.
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
        m.submodules.offsets = offsets = MaskOffsets(self.engine)
        opened, begins, payload = Signal(), Signal(), Signal()
        is_header = packet.section == Section.HEADER
        team = Signal(self.engine.clusters)
        staged = Signal.like(self.load)

        def take() -> None:
            is_free = (self.free | ~team).all()
            m.d.comb += [
                begins.eq(~is_header & ~opened & is_free),
                self.i.ready.eq((is_header | opened | is_free) & ~offsets.more),
                packet.valid.eq(self.i.valid & self.i.ready),
                packet.data.eq(self.i.p.data),
                payload.eq(packet.valid & ~is_header),
                self.failed.eq(packet.failed),
            ]
            with m.If(payload & packet.end):
                m.d.sync += opened.eq(0)
            with m.Elif(begins):
                m.d.sync += opened.eq(1)

        def stage() -> None:
            words = derived.words_per_mask_line(self.engine)
            is_mask, ends = packet.section == Section.MASK, Signal()
            m.d.sync += staged.valid.eq(payload | offsets.more)
            with m.If(payload):
                m.d.sync += [
                    staged.lane.eq(packet.lane),
                    staged.line.eq(packet.line),
                    staged.data.eq(self.i.p.data),
                    ends.eq(packet.end),
                ]
                with m.If(is_mask):
                    m.d.sync += staged.line.eq(packet.line * words)
                with m.Switch(packet.section):
                    for section, kind in _KINDS.items():
                        with m.Case(section):
                            m.d.sync += staged.kind.eq(kind)
            m.d.comb += [
                offsets.valid.eq(payload & is_mask),
                offsets.first.eq(packet.line == 0),
                offsets.group.eq(packet.lane >> derived.mask_lanes(self.engine).bit_length() - 1),
                offsets.masks.eq(self.i.p.data),
                staged.offsets.eq(offsets.offsets),
                staged.end.eq(ends & ~offsets.more),
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
            m.d.sync += [self.load.eq(staged), self.select.eq(team)]
            with m.If(staged.kind == LoadKind.MASK):
                m.d.sync += self.load.line.eq(staged.line + offsets.word)
                m.d.sync += self.load.data.eq(offsets.words)
            with m.If(begins):
                m.d.sync += [
                    self.load.valid.eq(1),
                    self.load.end.eq(0),
                    self.load.kind.eq(LoadKind.TILE),
                    self.load.lanes.eq(packet.lanes),
                    self.load.row.eq(packet.row),
                ]

        choose()
        take()
        stage()
        drive()
        return m
