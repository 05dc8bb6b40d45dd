"""Tile packet: follows the beats of the weight stream through header, records, weights, masks."""

from __future__ import annotations

from amaranth.hdl import Array, Module, Mux, Signal, Value
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import RECORD_FIELDS, TILE_FIELDS, TILE_MAGIC


class Section(enum.Enum, shape=2):
    """What a beat of the stream is."""

    HEADER = 0
    RECORD = 1
    MASK = 2
    WEIGHT = 3


class TilePacket(wiring.Component):
    """Position in the weight stream.

    Timing: outputs describe the beat that stands at `data`; `valid` moves on to the next one.

    Members:
        valid, data: a beat is taken.
        section, lane, line: what the beat at `data` is, and of which channel; of masks the first.
        end: it is the tile's last beat.
        cluster, split, lanes, row: the current tile, from the cycle after its header on.
        failed: the beat taken is a header or a record that this engine cannot hold.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        super().__init__(
            {
                "valid": In(1),
                "data": In(engine.axi_data_bits),
                "section": Out(Section),
                "lane": Out(range(max(2, derived.tile_channels(engine)))),
                "line": Out(16),
                "end": Out(1),
                "cluster": Out(range(max(2, engine.clusters))),
                "split": Out(2),
                "lanes": Out(range(derived.tile_channels(engine) + 1)),
                "row": Out(16),
                "failed": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        tile = {name: self.data[low : low + bits] for name, (low, bits) in TILE_FIELDS.items()}
        mask_lines, weight_lines = Signal(16), Signal(16)
        bad, line_ends, lane_ends = Signal(), Signal(), Signal()
        last_lane = Signal()
        # Weight lines of the first channel of each lane, which those of the second stand behind.
        used = Signal(data.ArrayLayout(16, self.engine.lanes))
        side = derived.mask_lanes(self.engine)
        m.d.comb += last_lane.eq(self.lane == self.lanes - 1)

        def take_header() -> None:
            m.d.comb += [bad.eq(self._bad_header(tile)), line_ends.eq(1)]
            m.d.sync += [
                self.cluster.eq(tile["cluster"]),
                self.split.eq(tile["split"]),
                self.lanes.eq(tile["lanes"]),
                self.row.eq(tile["row"]),
                mask_lines.eq(tile["mask_lines"]),
                self.lane.eq(0),
                self.section.eq(Section.RECORD),
            ]

        def take_record() -> None:
            low, bits = RECORD_FIELDS["weight_lines"]
            low %= self.engine.axi_data_bits
            lines = lane_lines = self.data[low : low + bits]
            if self.engine.lane_channels > 1:
                second = self.lane >= self.engine.lanes
                first_of_lane = used[(self.lane - self.engine.lanes).as_unsigned()]
                lane_lines = lines + Mux(second, first_of_lane, 0)
                m.d.sync += used[self.lane].eq(lines)
            m.d.comb += line_ends.eq(self.line == derived.record_beats(self.engine) - 1)
            with m.If(line_ends):
                m.d.comb += bad.eq(lane_lines > derived.weight_lines(self.engine))
                m.d.comb += lane_ends.eq(lines == 0)
                m.d.sync += weight_lines.eq(lines)
                m.d.sync += self.section.eq(Section.WEIGHT)

        def take_weight() -> None:
            m.d.comb += line_ends.eq(self.line == weight_lines - 1)
            m.d.comb += lane_ends.eq(line_ends)

        def take_mask() -> None:
            m.d.sync += self.lane.eq(self.lane + side)
            m.d.sync += self.line.eq(self.line)
            with m.If(self.lane + side >= self.lanes):
                m.d.comb += self.end.eq(self.line == mask_lines - 1)
                m.d.sync += [self.lane.eq(0), self.line.eq(self.line + 1)]

        takes = {
            Section.HEADER: take_header,
            Section.RECORD: take_record,
            Section.WEIGHT: take_weight,
            Section.MASK: take_mask,
        }
        with m.If(self.valid):
            m.d.sync += self.line.eq(Mux(line_ends, 0, self.line + 1))
            with m.Switch(self.section):
                for section, take in takes.items():
                    with m.Case(section):
                        take()
            m.d.comb += self.failed.eq(bad)
            with m.If(lane_ends):
                m.d.sync += self.lane.eq(Mux(last_lane, 0, self.lane + 1))
                m.d.sync += self.section.eq(Mux(last_lane, Section.MASK, Section.RECORD))
            with m.If(self.end):
                m.d.sync += [self.line.eq(0), self.section.eq(Section.HEADER)]
        return m

    def _bad_header(self, tile: dict[str, Value]) -> Value:
        splits = range(derived.MAX_SPLIT + 1)
        teams = Array(derived.teams(self.engine, split) for split in splits)[tile["split"]]
        return (
            (tile["magic"] != TILE_MAGIC)
            | (tile["cluster"] >= teams)
            | (tile["lanes"] == 0)
            | (tile["lanes"] > derived.tile_channels(self.engine))
            | (tile["mask_lines"] > derived.mask_lines(self.engine))
            | (tile["mask_lines"] == 0)
        )
