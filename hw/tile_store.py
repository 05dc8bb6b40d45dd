"""Which half of the tile memory is filled, walked and taken from, and the lanes' constants."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


def constants_layout(engine: EngineConfig) -> data.Layout:
    """A channel's constants (see `derived.record_fields`)."""
    fields = derived.record_fields(engine).items()
    places = {name: data.Field(bits, low) for name, (low, bits) in fields}
    return data.FlexibleLayout(derived.record_bits(engine), places)


class TileStore(wiring.Component):
    """Bookkeeping of the two halves; each is filled, then walked, then taken from, in stream order.

    A half is in use from the cycle after its TILE beat, can be walked from the cycle after its end,
    and is free again from the cycle after its last take. Constants asked for in c stand at
    `constants` in c + 1.

    Members:
        load: what the weight stream brings.
        free: a half is empty. fill_half: where beats go.
        available, walk_half, walk_lanes: the next tile to walk; walked: its last scan goes now.
        take_lanes, take_row: the tile whose sums are taken next; taken: its last take.
        next_lanes: of the tile after it, once that is in use.
        lane: channel whose constants are wanted; constants: those of the cycle before.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        channels = derived.tile_channels(engine)
        lanes = range(channels + 1)
        super().__init__(
            {
                "load": In(layouts.load_bus(engine)),
                "free": Out(1),
                "fill_half": Out(1),
                "available": Out(1),
                "walk_half": Out(1),
                "walk_lanes": Out(lanes),
                "walked": In(1),
                "take_lanes": Out(lanes),
                "take_row": Out(16),
                "next_lanes": Out(lanes),
                "taken": In(1),
                "lane": In(range(max(2, channels))),
                "constants": Out(constants_layout(engine)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes = data.ArrayLayout(self.walk_lanes.shape(), 2)
        lane_counts, rows = Signal(lanes), Signal(data.ArrayLayout(16, 2))
        in_use, loaded, take_half = Signal(range(3)), Signal(range(3)), Signal()
        begin, end = Signal(), Signal()

        def count_halves() -> None:
            begins = self.load.valid & (self.load.kind == layouts.LoadKind.TILE)
            m.d.comb += [begin.eq(begins), end.eq(self.load.end)]
            m.d.comb += [self.free.eq(in_use != 2), self.available.eq(loaded != 0)]
            m.d.sync += [
                in_use.eq(in_use + begin - self.taken),
                loaded.eq(loaded + end - self.walked),
                self.fill_half.eq(self.fill_half ^ end),
                self.walk_half.eq(self.walk_half ^ self.walked),
                take_half.eq(take_half ^ self.taken),
            ]

        def keep_shapes() -> None:
            with m.If(begin):
                m.d.sync += lane_counts[self.fill_half].eq(self.load.lanes)
                m.d.sync += rows[self.fill_half].eq(self.load.row)
            m.d.comb += [
                self.walk_lanes.eq(lane_counts[self.walk_half]),
                self.take_lanes.eq(lane_counts[take_half]),
                self.take_row.eq(rows[take_half]),
                self.next_lanes.eq(lane_counts[~take_half]),
            ]

        def keep_constants() -> None:
            pitch = max(2, derived.lane_pitch(self._engine))
            beats, bits = derived.record_beats(self._engine), derived.record_bits(self._engine)
            store = memory.Memory(shape=bits, depth=2 * pitch, init=[])
            m.submodules.constants = store
            write = store.write_port(granularity=bits // beats)
            read = store.read_port()
            record = self.load.valid & (self.load.kind == layouts.LoadKind.RECORD)
            m.d.comb += [
                write.addr.eq(Cat(self.load.lane, self.fill_half)),
                write.data.eq(self.load.data[: bits // beats].replicate(beats)),
                write.en.eq(Mux(record, 1 << self.load.line[: beats.bit_length() - 1], 0)),
                read.addr.eq(Cat(self.lane, take_half)),
                self.constants.eq(read.data),
            ]

        count_halves()
        keep_shapes()
        keep_constants()
        return m
