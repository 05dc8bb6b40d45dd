"""Claims about the queues: of matched beats before a lane, and of rows before the write-back."""

from __future__ import annotations

from types import ModuleType

from amaranth.hdl import Cat, Signal, Value, unsigned

from hw.formal.claim import Bench, Claim, Harness
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine

_DEPTH = 3


def _lane_queue(module: ModuleType) -> Harness:
    dut = module.LaneQueue(unsigned(2), depth=_DEPTH)
    bench = Bench(dut)
    push, item = bench.drive(dut.push, "push"), bench.drive(dut.i, "item")
    ready = bench.drive(dut.o.ready, "ready")
    get = dut.o.valid & ready
    inside = bench.in_order(
        put=push & ~dut.full, put_data=item, get=get, get_data=dut.o.p, most=_DEPTH
    )
    bench.waits(dut.o.valid, ready, dut.o.p, "head")
    # It offers whatever it has and takes whatever it can hold: nothing waits for ever.
    bench.claim(dut.full == (inside == _DEPTH), dut.o.valid == (inside != 0))
    return bench.done()


def _skid_buffer(module: ModuleType) -> Harness:
    dut = module.SkidBuffer(unsigned(2))
    bench = Bench(dut)
    item, ready = bench.free(2, "item"), bench.drive(dut.o.ready, "ready")
    offer = bench.drive(dut.i.valid, "offer")
    bench.m.d.comb += dut.i.p.eq(item)
    get = dut.o.valid & ready
    inside = bench.in_order(
        put=offer & dut.i.ready, put_data=item, get=get, get_data=dut.o.p, most=2
    )
    bench.waits(dut.o.valid, ready, dut.o.p, "head")
    bench.claim(dut.i.ready == (inside != 2), dut.o.valid == (inside != 0))
    return bench.done()


def _row_queue(module: ModuleType) -> Harness:
    engine = load_engine("micro", lanes=1, time_steps=1, chunk=4)
    dut = module.RowQueue(engine)
    bench = Bench(dut)
    depth = derived.ROW_CREDITS
    allocate, fill = bench.drive(dut.allocate, "allocate"), bench.drive(dut.fill, "fill")
    # All bits of a place and of a value go the same way: a few of them stand for all.
    place = bench.free(2, "place")
    bench.m.d.comb += [dut.place.position.eq(place[0]), dut.place.final.eq(place[1])]
    spikes, value = bench.drive(dut.spikes, "spikes"), bench.drive(dut.value, "value", 1)
    ready = bench.drive(dut.o.ready, "ready")
    get = dut.o.valid & ready
    offered = Cat(dut.o.p.position[0], dut.done & get)
    inside = bench.in_order(
        put=allocate, put_data=place & Cat(1, 1), get=get, get_data=offered, most=depth
    )
    filled = _contents(bench, fill, Cat(spikes[0], value[0]), get, dut)
    unfilled = Signal(range(depth + 2))
    bench.m.d.comb += unfilled.eq(inside - filled)
    # The neuron unit takes only with a credit and computes each row it has begun, once.
    bench.given(~allocate | dut.credit, ~fill | (unfilled != 0))
    bench.waits(dut.o.valid, ready, Cat(dut.o.p.spikes, dut.o.p.value[0], offered[0]), "head")
    bench.claim(dut.credit == (inside != depth), dut.o.valid == (filled != 0))
    return bench.done()


def _contents(bench: Bench, fill: Value, contents: Value, get: Value, dut: object) -> Signal:
    """The oldest filled row's contents are the oldest filled in; returns how many are filled."""
    depth = derived.ROW_CREDITS
    filled = bench.register(range(depth + 2), "filled")
    first, second = (bench.register(2, name) for name in ("first", "second"))
    m = bench.m
    m.d.sync += filled.eq(filled + fill - get)
    with m.If(get):
        m.d.sync += first.eq(second)
    with m.If(fill):
        with m.If(filled == get):
            m.d.sync += first.eq(contents)
        with m.Else():
            m.d.sync += second.eq(contents)
    row = dut.o.p  # type: ignore[attr-defined]
    bench.claim((filled == 0) | (Cat(row.spikes[0], row.value[0]) == first))
    return filled


CLAIMS = (
    Claim(
        name="lane queue",
        says="beats leave in order, none lost or doubled; it is full and empty when it says so",
        module="hw.lane_queue",
        harness=_lane_queue,
        broken=(
            ("self.full.eq(full)", "self.full.eq(0)"),
            ("pointer == self._depth - 1, 0", "pointer == self._depth - 2, 0"),
            ("level + pushed - popped", "level + (pushed & ~popped) - popped"),
        ),
    ),
    Claim(
        name="skid buffer",
        says="payloads leave in order, one a cycle; it takes what comes while it has a place",
        module="hw.skid_buffer",
        harness=_skid_buffer,
        broken=(
            ("self.i.ready.eq(~waiting)", "self.i.ready.eq(1)"),
            ("Mux(waiting, spare, self.i.p)", "self.i.p"),
            ("with m.Elif(self.i.valid):", "with m.Elif(self.i.valid & self.o.ready):"),
        ),
    ),
    Claim(
        name="row queue",
        says="rows leave in order with their own contents; credits are neither lost nor made",
        module="hw.row_queue",
        harness=_row_queue,
        broken=(
            ("used + self.allocate - accepted", "used + self.allocate"),
            ("spikes[oldest]", "spikes[placed]"),
            ("with m.If(self.credit):", "with m.If(1):"),
        ),
    ),
)
