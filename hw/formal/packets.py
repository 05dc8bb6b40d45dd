"""Claims about the weight stream: tile packet and weight loader, for packets of one lane.

With one lane the order of a packet's beats does not depend on how lanes share them.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from amaranth.hdl import Mux, Signal, Value

from hw import layouts
from hw.formal.claim import Bench, Claim, Harness
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine
from sparsespike.contract.program import RECORD_FIELDS, TILE_FIELDS, TILE_MAGIC

_ENGINE = load_engine("micro")
_LINES = 2
_MOST_BEATS = 8


@dataclass(frozen=True)
class _Packets:
    """A stream of well-formed packets: its beats, and where the present one stands in them."""

    data: Signal
    marker: Value
    is_header: Value
    is_last: Value


def _packets(bench: Bench, taken: Value) -> _Packets:
    """Up to two lines of masks and of weights a tile; every payload beat carries a free marker."""
    m = bench.m
    masks, weights = bench.free(2, "masks"), bench.free(2, "weights")
    marker = bench.free(2, "marker")
    place, mask_lines = bench.register(4, "place"), bench.register(2, "mask_lines")
    weight_lines = bench.register(2, "weight_lines")
    records = derived.record_beats(_ENGINE)
    data, known, is_last = Signal(_ENGINE.axi_data_bits), Signal(2), Signal()
    header = {"magic": TILE_MAGIC, "lanes": 1, "mask_lines": masks}
    low = RECORD_FIELDS["weight_lines"][0] % _ENGINE.axi_data_bits
    is_record = place == records
    # The marker stands where the record has no field that the engine cuts the stream by.
    m.d.comb += [
        known.eq(Mux(is_record, weights, weight_lines)),
        is_last.eq((place >= records) & (place == records + mask_lines + known)),
        data.eq(marker | Mux(is_record, weights << low, 0)),
    ]
    with m.If(place == 0):
        m.d.comb += data.eq(sum(value << TILE_FIELDS[name][0] for name, value in header.items()))
    bench.given(masks <= _LINES, masks != 0, weights <= _LINES)
    with m.If(taken):
        m.d.sync += place.eq(Mux(is_last, 0, place + 1))
        with m.If(place == 0):
            m.d.sync += mask_lines.eq(masks)
        with m.If(is_record):
            m.d.sync += weight_lines.eq(weights)
    bench.claim(place <= _MOST_BEATS)
    return _Packets(data, data[:2], place == 0, is_last)


def _tile_packet(module: ModuleType) -> Harness:
    dut = module.TilePacket(_ENGINE)
    bench = Bench(dut)
    taken = bench.drive(dut.valid, "taken")
    packets = _packets(bench, taken)
    bench.m.d.comb += dut.data.eq(packets.data)
    bench.claim(
        # It neither loses nor invents a beat: headers stand where a packet begins.
        (Value.cast(dut.section) == 0) == packets.is_header,
        ~taken | (dut.end == packets.is_last),
        ~taken | ~dut.failed,
    )
    return bench.done()


def _weight_loader(module: ModuleType) -> Harness:
    dut = module.WeightLoader(_ENGINE)
    bench = Bench(dut)
    m, load = bench.m, dut.load
    offer, free = bench.drive(dut.i.valid, "offer"), bench.drive(dut.free, "free")
    accepted = offer & dut.i.ready
    packets = _packets(bench, accepted)
    m.d.comb += dut.i.p.data.eq(packets.data)
    waiting = bench.previous(offer & ~dut.i.ready, "waiting")
    bench.given(~waiting | (offer & (packets.data == bench.previous(packets.data, "beat"))))
    tile = load.valid & (load.kind == layouts.LoadKind.TILE)
    left = load.valid & (load.kind != layouts.LoadKind.TILE)
    put = accepted & ~packets.is_header
    ends = bench.register(3, "ends")
    m.d.sync += ends.eq(ends + (put & packets.is_last) - (left & load.end))
    # Every payload beat reaches the clusters once, in order, as it came; headers do not.
    bench.in_order(put=put, put_data=packets.marker, get=left, get_data=load.data[:2], most=3)
    opened, owed = bench.register(1, "opened"), bench.register(2, "owed")
    m.d.sync += [
        owed.eq(owed + (accepted & packets.is_header) - tile),
        opened.eq((opened | tile) & ~(left & load.end)),
    ]
    patience = bench.register(3, "patience")
    m.d.sync += patience.eq(Mux(offer & free & ~dut.i.ready, patience + 1, 0))
    bench.claim(
        # One TILE beat a header, before the payload; one end a tile.
        ~tile | (owed != 0),
        ~left | opened,
        ~(left & load.end) | (ends != 0),
        ~load.valid | dut.select.any(),
        ~dut.failed,
        # Where a half is free, a beat that is offered is taken in bounded time.
        patience < 4,
    )
    return bench.done()


CLAIMS = (
    Claim(
        name="tile packet",
        says="headers are found where packets begin, ends where they end, for any lines of each",
        module="hw.tile_packet",
        harness=_tile_packet,
        broken=(
            ("line_ends.eq(self.line == weight_lines - 1)", "line_ends.eq(self.line == 1)"),
            (
                "self.end.eq(self.line == mask_lines - 1)",
                "self.end.eq(0)",
            ),
        ),
        depth=14,
    ),
    Claim(
        name="weight loader",
        says="every payload beat reaches its clusters once, in order, after one TILE beat a tile",
        module="hw.weight_loader",
        harness=_weight_loader,
        broken=(
            ("payload.eq(packet.valid & ~is_header)", "payload.eq(packet.valid)"),
            ("packet.valid.eq(self.i.valid & self.i.ready)", "packet.valid.eq(self.i.valid)"),
            ("begins.eq(~is_header & ~opened & is_free)", "begins.eq(~opened & is_free)"),
        ),
        depth=8,
        unbounded=False,
    ),
)
