"""Claims about streams: the address pipeline, the broadcast register, the lane, the read router."""

from __future__ import annotations

from itertools import pairwise
from types import ModuleType

from amaranth.hdl import Cat, Const, Mux, Signal, Value

from hw.bits import at_most_one, lowest_one
from hw.formal.claim import Bench, Claim, Harness
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine

_STAGES = 4
"""Of the address pipeline, which has one place more."""
_REGISTER_STAGES = 3
"""Of the broadcast register."""
_REGISTER_PLACES = _REGISTER_STAGES + 1
"""Its first stage has two."""


def _address_pipeline(module: ModuleType) -> Harness:
    dut = module.AddressPipeline(
        load_engine("micro", lanes=1, lane_channels=1, chunk=4, time_steps=1)
    )
    bench = Bench(dut)
    item = bench.free(2, "item")
    bench.m.d.comb += [dut.i.p.half.eq(item[0]), dut.i.p.final.eq(item[1])]
    offer, ready = bench.drive(dut.i.valid, "offer"), bench.drive(dut.o.ready, "ready")
    get = dut.o.valid & ready
    left = Cat(dut.o.p.half, dut.o.p.final)
    inside = bench.in_order(
        put=offer & dut.i.ready, put_data=item, get=get, get_data=left, most=_STAGES + 1
    )
    bench.waits(dut.o.valid, ready, left, "head")
    # Every scan is read once, in the cycle before it stands at the output.
    bench.claim(~dut.enable | ~dut.o.valid | ready)
    bench.claim(bench.previous(dut.enable, "read") == (dut.o.valid & ~_held(bench, dut, ready)))
    # Nothing waits for ever: empty stages fill from behind, and one that is not full takes.
    waited = bench.register(range(_STAGES + 2), "waited")
    idle = (inside != 0) & ~dut.o.valid
    bench.m.d.sync += waited.eq(Mux(idle, waited + 1, 0))
    bench.claim(waited < _STAGES, dut.i.ready | (inside >= _STAGES))
    return bench.done()


def _held(bench: Bench, dut: object, ready: Value) -> Signal:
    return bench.previous(dut.o.valid & ~ready, "held")  # type: ignore[attr-defined]


def _broadcast_register(module: ModuleType) -> Harness:
    engine = load_engine("micro", lanes=2, lane_channels=1, chunk=4, time_steps=1, count_bits=2)
    dut = module.BroadcastRegister(engine)
    bench = Bench(dut)
    m, word = bench.m, dut.i.p
    offer, full = bench.drive(dut.i.valid, "offer"), bench.drive(dut.full, "full")
    values = bench.drive(word.values.as_value(), "values")
    m.d.comb += word.slots.as_value().eq(values)
    last, half = bench.drive(word.last, "last"), bench.drive(word.half, "half")
    # The mask memory: a word for each half, any but always the same.
    tables = [bench.register(8, f"masks_{number}") for number in range(2)]
    start = bench.free(16, "masks")
    read = bench.register(8, "read")
    contents = [Mux(bench.past, tables[n], start[8 * n : 8 * n + 8]) for n in range(2)]
    m.d.sync += [kept.eq(now) for kept, now in zip(tables, contents, strict=True)]
    with m.If(dut.mask_enable):
        m.d.sync += read.eq(Mux(dut.mask_half, contents[1], contents[0]))
    # Half 0 has a tile of one channel, half 1 one of both.
    bench.given(bench.past | (start[4:8] == 0))
    m.d.comb += [dut.masks[0].mask.eq(read[:4]), dut.masks[1].mask.eq(read[4:])]
    m.d.comb += [dut.walked.eq(3), dut.channels[0].eq(1), dut.channels[1].eq(2)]
    digits = Cat(values[:4].any(), values[4:].any())
    masks = Mux(half, contents[1], contents[0])
    item = Cat(digits, last, Const(1, 1), half, half, values, masks)
    # The words inside, oldest first, each with the digits that have not been emitted.
    words = [bench.register(len(item), f"word_{place}") for place in range(_REGISTER_PLACES)]
    inside = bench.register(range(_REGISTER_PLACES + 1), "inside")
    taken = offer & dut.i.ready
    left, ends, lanes, kept = (
        words[0][low:high] for low, high in ((0, 2), (2, 3), (3, 5), (6, 22))
    )
    with m.If(dut.leaving):
        m.d.sync += [now.eq(later) for now, later in pairwise(words)]
    with m.Elif(dut.emitted):
        m.d.sync += words[0].eq(Cat(left & ~lowest_one(left), words[0][2:]))
    with m.If(taken):
        for place, own in enumerate(words):
            with m.If(inside - dut.leaving == place):
                m.d.sync += own.eq(item)
    m.d.sync += inside.eq(inside + taken - dut.leaving)
    plane = Mux(left[0], kept[:4], Mux(left[1], kept[4:8], 0))
    only = at_most_one(left)
    wanted = Cat(
        lanes[k] & ((plane & kept[8 + 4 * k : 12 + 4 * k]).any() | (ends & only)) for k in range(2)
    )
    beats = dut.standing & ((left != 0) | ends)
    bench.claim(
        inside <= _REGISTER_PLACES,
        ~dut.standing | (inside != 0),
        dut.emitted == (beats & ((wanted & full) == 0)),
        dut.stalled == (beats & ((wanted & full) != 0)),
        dut.push == Mux(dut.emitted, wanted, 0),
        ~beats | (dut.beat.spikes.as_value() == plane),
        ~beats | (dut.beat.last == (ends & only)),
        ~beats | (dut.matches[0] == plane & kept[8:12]),
        ~beats | (dut.matches[1] == plane & kept[12:16]),
        dut.leaving == (dut.standing & ~beats | (dut.emitted & only)),
    )
    # Nothing waits for ever: a word stands where beats leave after so many cycles, and a register
    # with one word or none takes.
    waited = bench.register(range(_REGISTER_STAGES + 2), "waited")
    m.d.sync += waited.eq(Mux((inside != 0) & ~dut.standing, waited + 1, 0))
    bench.claim(waited < _REGISTER_STAGES, dut.i.ready | (inside > 1))
    return bench.done()


def _lane(module: ModuleType) -> Harness:
    engine = load_engine(
        "micro",
        lanes=1,
        lane_channels=2,
        chunk=4,
        time_steps=1,
        weight_bits=4,
        accumulator_bits=12,
    )
    dut = module.Lane(engine)
    bench = Bench(dut)
    m, entry = bench.m, dut.i.p
    offer, take = bench.drive(dut.i.valid, "offer"), bench.drive(dut.take, "take")
    match = Cat(bench.drive(word.match, f"match_{i}") for i, word in enumerate(entry.words))
    ends = bench.drive(entry.beat.last, "ends")
    bench.drive(dut.weight, "weight", 2)
    m.d.comb += entry.beat.spikes[0].eq(match[:4] | match[4:])
    # Only ends of a walk come without a match; sums are taken only when they are there.
    bench.given(~offer | ends | match.any(), ~take | dut.valid)
    accepted = offer & dut.i.ready
    matches, walks = bench.register(range(16), "matches"), bench.register(range(4), "walks")
    added, count = Signal(range(9)), Signal(range(9))
    m.d.comb += [added.eq(sum(match[i] for i in range(8))), count.eq(Mux(accepted, added, 0))]
    m.d.sync += matches.eq(matches + count - dut.match)
    m.d.sync += walks.eq(walks + (accepted & ends) - take)
    # Sums wait, unchanged, until they are taken.
    waited = bench.previous(dut.valid & ~take, "sums_waiting")
    same = dut.sums.as_value() == bench.previous(dut.sums.as_value(), "sums")
    bench.claim(~waited | (dut.valid & same))
    # No match is lost or doubled, no walk ends twice, and whoever ended a walk delivers it.
    bench.claim(matches <= 8, ~dut.match | (matches != 0), walks <= 3, ~take | (walks != 0))
    quiet = bench.register(range(16), "quiet")
    m.d.sync += quiet.eq(Mux((walks != 0) & ~dut.valid & ~accepted, quiet + 1, 0))
    # All matches of an entry, and what a sum takes after the last of them.
    longest = 2 * engine.chunk + derived.lane_latency(engine) - 1
    bench.claim(quiet <= longest, ~dut.output_stall | (walks >= 2))
    return bench.done()


def _read_router(module: ModuleType) -> Harness:
    dut = module.ReadRouter(data_bits=64)
    bench = Bench(dut)
    target = bench.drive(Value.cast(dut.target), "target")
    offer, item = bench.drive(dut.i.valid, "offer"), bench.drive(dut.i.p.as_value(), "item")
    ready = bench.free(4, "ready")
    valids = Cat(output.valid for output in dut.o)
    bench.m.d.comb += [output.ready.eq(ready[k]) for k, output in enumerate(dut.o)]
    bench.claim(valids == Mux(offer, 1 << target, 0))
    bench.claim(dut.i.ready == ready.bit_select(target, 1))
    bench.claim(*(output.p.as_value() == item for output in dut.o))
    bench.claim(dut.accepted_last == (offer & dut.i.ready & dut.i.p.last))
    return bench.done()


CLAIMS = (
    Claim(
        name="address pipeline",
        says="scans leave in order, each read once; waiting scans stay; empty stages fill",
        module="hw.address_pipeline",
        harness=_address_pipeline,
        broken=(
            ("product_ready.eq(~product_valid | address_ready)", "product_ready.eq(1)"),
            (
                "self.enable.eq(address_valid & output_ready)",
                "self.enable.eq(address_valid)",
            ),
        ),
    ),
    Claim(
        name="broadcast register",
        says="a word gives a beat per digit, to all lanes that want it, never to a full one",
        module="hw.broadcast_register",
        harness=_broadcast_register,
        broken=(
            (
                "self.stalled.eq((ready.wanted & self.full).any())",
                "self.stalled.eq((ready.wanted & self.full).all())",
            ),
            (
                "waiting.eq(waiting & ~lowest_one(loud))",
                "waiting.eq(waiting)",
            ),
            ("beat.last.eq(word.last & only)", "beat.last.eq(word.last)"),
            ("picked_moves.eq(~picked.valid | ready_moves)", "picked_moves.eq(1)"),
            ("occupied & picked_moves & waiting.all()", "occupied & waiting.all()"),
            ("with m.If(ready_moves & ~(slot & active)):", "with m.If(~(slot & active)):"),
        ),
        depth=10,
    ),
    Claim(
        name="lane",
        says="every match is issued once, every walk delivered once; sums wait until taken",
        module="hw.lane",
        harness=_lane,
        broken=(
            ("standing & final & beat.last & outstanding", "0"),
            ("word.match.eq(word.match & ~slot)", "word.match.eq(word.match)"),
            ("final.eq(alone & ~waiting)", "final.eq(alone)"),
        ),
        depth=18,
    ),
    Claim(
        name="read router",
        says="a beat goes to the one block that is named, and waits for that block only",
        module="hw.read_router",
        harness=_read_router,
        broken=(("self.i.ready.eq(self.o[target.value].ready)", "self.i.ready.eq(1)"),),
        depth=2,
    ),
)
