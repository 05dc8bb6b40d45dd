"""Tile packet: follows the weight stream through headers, constants and weights."""

from __future__ import annotations

from amaranth.hdl import Array, Module, Mux, Signal, Value
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import TILE_FIELDS, TILE_MAGIC


class Part(enum.Enum, shape=2):
    """Part of a packet."""

    HEADER = 0
    CONSTANTS = 1
    PAYLOAD = 2


class TilePacket(wiring.Component):
    """Position in the weight stream, but for that in the masks.

    Timing: outputs describe the step that is due; those of the tile hold from the cycle after its
    header on. `step` moves on.

    Members:
        step, data: a step takes place, with this beat.
        weight: the step takes a beat of weights. masks_end: no masks are left after it.
        part: what the step belongs to.
        weights_left: there are weights to come.
        lane, line: channel and line of the constants or weights.
        end: it is the tile's last step.
        tile: the header at `data`.
        cluster, split, lanes, row: the current tile.
        failed: the step takes a header or constants that this engine cannot hold.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        fields = {name: data.Field(bits, low) for name, (low, bits) in TILE_FIELDS.items()}
        super().__init__(
            {
                "step": In(1),
                "data": In(engine.axi_data_bits),
                "weight": In(1),
                "masks_end": In(1),
                "part": Out(Part),
                "weights_left": Out(1),
                "lane": Out(range(max(2, derived.tile_channels(engine)))),
                "line": Out(16),
                "end": Out(1),
                "tile": Out(data.FlexibleLayout(64, fields)),
                "cluster": Out(TILE_FIELDS["cluster"][1]),
                "split": Out(2),
                "lanes": Out(range(derived.tile_channels(engine) + 1)),
                "row": Out(16),
                "failed": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine, tile = self.engine, self.tile
        bad, last_lane, line_ends = Signal(), Signal(), Signal()
        width = derived.record_fields(engine)["weight_lines"][1]
        # Of each channel the number of its last weight line; the payload's own channel comes first.
        lines = Signal(data.ArrayLayout(width, derived.tile_channels(engine)))
        beats = derived.record_beats(engine)
        m.d.comb += [tile.eq(self.data), last_lane.eq(self.lane == self.lanes - 1)]

        def take_header() -> None:
            m.d.comb += bad.eq(self._bad_header())
            m.d.sync += [
                self.cluster.eq(tile.cluster),
                self.split.eq(tile.split),
                self.lanes.eq(tile.lanes),
                self.row.eq(tile.row),
                self.lane.eq(0),
                self.line.eq(0),
                line_ends.eq(beats == 1),
                self.part.eq(Part.CONSTANTS),
            ]

        def take_constants() -> None:
            low = derived.record_fields(engine)["weight_lines"][0] % engine.axi_data_bits
            own = self.data[low : low + width]
            used = own
            if engine.lane_channels > 1:
                second = self.lane >= engine.lanes
                first_of_lane = lines[(self.lane - engine.lanes).as_unsigned()]
                used = own + Mux(second, first_of_lane + 1, 0)
            m.d.sync += line_ends.eq(1 if beats == 1 else self.line == beats - 2)
            with m.If(line_ends):
                m.d.comb += bad.eq((own == 0) | (used > derived.weight_lines(engine)))
                m.d.sync += lines[self.lane].eq(own - 1)
                with m.If(last_lane):
                    first_ends = Mux(self.lane == 0, own == 1, lines[0] == 0)
                    m.d.sync += [
                        self.part.eq(Part.PAYLOAD),
                        self.weights_left.eq(1),
                        line_ends.eq(first_ends),
                    ]

        def take_payload() -> None:
            last = last_lane & line_ends
            m.d.comb += self.end.eq(self.masks_end & (~self.weights_left | (self.weight & last)))
            with m.If(self.step & self.weight):
                m.d.sync += line_ends.eq(self.line + 1 == lines[0])
                with m.If(line_ends):
                    following = [*list(lines)[1:], lines[0]]
                    shifted = zip(lines, following, strict=True)
                    m.d.sync += [mine.eq(other) for mine, other in shifted]
                    m.d.sync += line_ends.eq(following[0] == 0)
            with m.If(self.step & self.weight & last):
                m.d.sync += self.weights_left.eq(0)
            with m.If(self.step & self.end):
                m.d.sync += self.part.eq(Part.HEADER)

        with m.Switch(self.part):
            with m.Case(Part.HEADER):
                with m.If(self.step):
                    take_header()
            with m.Case(Part.CONSTANTS):
                with m.If(self.step):
                    take_constants()
            with m.Case(Part.PAYLOAD):
                take_payload()
        m.d.comb += self.failed.eq(bad)
        with m.If(self.step & ((self.part == Part.CONSTANTS) | self.weight)):
            m.d.sync += self.line.eq(Mux(line_ends, 0, self.line + 1))
            with m.If(line_ends):
                m.d.sync += self.lane.eq(Mux(last_lane, 0, self.lane + 1))
        return m

    def _bad_header(self) -> Value:
        tile, splits = self.tile, range(derived.MAX_SPLIT + 1)
        teams = Array(derived.teams(self.engine, split) for split in splits)[tile.split]
        return (
            (tile.magic != TILE_MAGIC)
            | (tile.cluster >= teams)
            | (tile.lanes == 0)
            | (tile.lanes > derived.tile_channels(self.engine))
            | (tile.mask_words > self.engine.mask_depth)
            | (tile.mask_words == 0)
        )
