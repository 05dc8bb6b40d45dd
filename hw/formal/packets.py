"""Claims about the weight stream: tile packet, mask expander, and weight loader."""

from __future__ import annotations

from types import ModuleType

from amaranth.hdl import Cat, Const, Mux, Signal, Value

from hw import layouts
from hw.bits import popcount
from hw.formal.claim import Bench, Claim, Harness
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine
from sparsespike.contract.program import TILE_FIELDS, TILE_MAGIC

_ENGINE = load_engine("micro")
_WEIGHTS, _MASK_LINES = 2, 4
_BITS = _ENGINE.axi_data_bits
_RECORD = derived.record_beats(_ENGINE)
_LINES = derived.record_fields(_ENGINE)["weight_lines"][0] % _BITS


def _header(words: Value) -> Value:
    """A header of one channel, with so many mask words and no nibbles."""
    fields = {"magic": TILE_MAGIC, "lanes": 1, "mask_words": words}
    header = sum(value << TILE_FIELDS[name][0] for name, value in fields.items())
    return Value.cast(header)


def _tile_packet(module: ModuleType) -> Harness:
    """Packets of one channel; the masks end in any step, and stay ended."""
    dut = module.TilePacket(_ENGINE)
    bench = Bench(dut)
    m = bench.m
    step, weight = bench.drive(dut.step, "step"), bench.drive(dut.weight, "weight")
    ends, lines = bench.drive(dut.masks_end, "masks_end"), bench.free(2, "lines")
    # Header, the beats of the channel's constants, payload.
    place, left = bench.register(range(_RECORD + 2), "place"), bench.register(2, "left")
    payload, last = Signal(), Signal()
    m.d.comb += [
        payload.eq(place == _RECORD + 1),
        last.eq(payload & ends & (left == weight)),
        dut.data.eq(Mux(place == 0, _header(Const(1)), lines << _LINES)),
    ]
    bench.given(lines != 0, lines <= _WEIGHTS, ~weight | (payload & (left != 0)))
    ended = bench.previous(payload & ends & ~(step & last), "ended")
    bench.given(~ended | ends)
    with m.If(step):
        m.d.sync += place.eq(Mux(payload & ~last, place, Mux(last, 0, place + 1)))
        with m.If(place == _RECORD):
            m.d.sync += left.eq(lines)
        with m.If(weight):
            m.d.sync += left.eq(left - 1)
    bench.claim(
        # It neither loses nor invents a beat: headers stand where a packet begins.
        Value.cast(dut.part) == Mux(payload, 2, place != 0),
        ~(step & payload) | (dut.end == last),
        ~payload | (dut.weights_left == (left != 0)),
        ~dut.failed,
    )
    return bench.done()


def _mask_expander(module: ModuleType) -> Harness:
    """One tile of a few mask words; presence bits and nibbles may be anything that fits them."""
    engine = load_engine("small", lanes=1, chunk=16)
    dut = module.MaskExpander(engine)
    bench = Bench(dut)
    m = bench.m
    size, beat = derived.line_nibbles(engine), derived.beat_nibbles(engine)
    block = derived.lines_per_presence(engine)
    step, ones = bench.drive(dut.step, "step"), bench.free(beat, "ones")
    data = Signal(_BITS)
    words, beats = bench.drive(dut.words, "words", 3), bench.drive(dut.nibble_beats, "beats", 2)
    m.d.comb += [dut.channels.eq(1), dut.begin.eq(~bench.past)]
    bench.given(
        ~step | bench.previous(bench.past, "ready"),
        bench.past | ((words != 0) & (words <= _MASK_LINES)),
    )
    lines, left = bench.register(3, "lines"), bench.register(2, "left")
    known, there = bench.register(range(block + 1), "known"), bench.register(7, "there")
    bits, used, taken = (
        bench.register(_BITS, "bits"),
        bench.register(7, "used"),
        bench.register(7, "taken"),
    )
    need, makes, lacks, fills = Signal(7), Signal(), Signal(), Signal()
    m.d.comb += [
        need.eq(popcount(bits[:size])),
        makes.eq((lines != 0) & (known != 0) & (there >= need)),
        lacks.eq((lines > makes) & (known == makes)),
        fills.eq(~lacks & (left != 0) & (there <= beat)),
        # Presence bits of the first lines; or nibbles that are 0 or 1.
        data.eq(Mux(lacks, ones, Cat(Cat(ones[i], Const(0, 3)) for i in range(beat)))),
        dut.data.eq(data),
    ]
    with m.If(~bench.past):
        m.d.sync += [lines.eq(words), left.eq(beats)]
    with m.If(step):
        m.d.sync += [
            lines.eq(lines - makes),
            known.eq(Mux(lacks, block, known - makes)),
            bits.eq(Mux(lacks, data, Mux(makes, bits >> size, bits))),
            there.eq(there - Mux(makes, need, 0) + Mux(fills, beat, 0)),
            used.eq(used + Mux(makes, need, 0)),
            taken.eq(taken + Mux(fills, beat, 0)),
            left.eq(left - fills),
        ]
    # One nibble of the stream, any, is followed into its line.
    mark, kept = bench.free(6, "mark"), bench.register(1, "kept")
    bench.given(~bench.past | (mark == bench.previous(mark, "mark")))
    with m.If(step & fills & (mark >= taken) & (mark < taken + beat)):
        m.d.sync += kept.eq(ones.bit_select((mark - taken)[:4], 1))
    made = bench.previous(step & makes, "made")
    old, before = bench.previous(bits[:size], "old"), bench.previous(used, "before")
    place = bench.free(2, "place")
    own = before + popcount(old & ((1 << place) - 1)[:size]) == mark
    nibble = dut.masks.word_select(place, 4)
    bench.claim(~made | Mux(old.bit_select(place, 1), ~own | (nibble == kept), nibble == 0))
    bench.claim(
        ~bench.past | (dut.expands == makes),
        ~bench.past | (Value.cast(dut.wish) == Mux(lacks, 1, Mux(fills, 2, 0))),
        ~bench.past | (dut.ends == (lines == makes)),
        dut.valid == made,
        there <= 2 * beat,
    )
    return bench.done()


def _weight_loader(module: ModuleType) -> Harness:
    """Packets of one channel, whose masks are 0; every other payload beat has a free marker."""
    dut = module.WeightLoader(_ENGINE)
    bench = Bench(dut)
    m, load = bench.m, dut.load
    offer, free = bench.drive(dut.i.valid, "offer"), bench.drive(dut.free, "free")
    marker, lines, words = bench.free(2, "marker"), bench.free(2, "lines"), bench.free(2, "words")
    # Header, constants, presence bits, weights. The markers stand where nothing is cut by them.
    presence, weights = _RECORD + 1, _RECORD + 2
    place, left = bench.register(range(weights + 1), "place"), bench.register(2, "left")
    accepted, data, last = offer & dut.i.ready, Signal(_BITS), Signal()
    with m.Switch(place):
        with m.Case(0):
            m.d.comb += data.eq(_header(words))
        with m.Case(presence):
            m.d.comb += data.eq(0)
        with m.Case(weights):
            m.d.comb += data.eq(marker)
        with m.Default():
            m.d.comb += data.eq(lines << _LINES | marker)
    m.d.comb += [last.eq((place == weights) & (left == 1)), dut.i.p.data.eq(data)]
    bench.given(words != 0, lines != 0, lines <= _WEIGHTS)
    with m.If(accepted):
        m.d.sync += place.eq(Mux(place == weights, Mux(last, 0, weights), place + 1))
        with m.If(place == _RECORD):
            m.d.sync += left.eq(lines)
        with m.If(place == weights):
            m.d.sync += left.eq(left - 1)
    waiting = bench.previous(offer & ~dut.i.ready, "waiting")
    bench.given(~waiting | (offer & (data == bench.previous(data, "beat"))))
    is_tile = load.kind == layouts.LoadKind.TILE
    tile, left_loader = load.valid & is_tile, load.valid & ~is_tile
    # Every constant and weight reaches the clusters once, in order, as it came.
    bench.in_order(
        put=accepted & (place != 0) & (place != presence),
        put_data=marker,
        get=left_loader,
        get_data=load.data[:2],
        most=3,
    )
    opened, owed = bench.register(1, "opened"), bench.register(2, "owed")
    masks, asked = bench.register(4, "masks"), bench.register(4, "asked")
    with m.If(accepted & (place == 0)):
        m.d.sync += asked.eq(asked + words)
    with m.If(load.masks.valid):
        m.d.sync += masks.eq(masks + 1)
    m.d.sync += [
        owed.eq(owed + (accepted & (place == 0)) - tile),
        opened.eq((opened | tile) & ~load.end),
    ]
    patience = bench.register(4, "patience")
    m.d.sync += patience.eq(Mux(offer & free & ~dut.i.ready, patience + 1, 0))
    bench.claim(
        # One TILE beat a header, before the payload; one end a tile, behind it.
        ~tile | (owed != 0),
        ~(left_loader | load.masks.valid | load.end) | opened,
        ~load.masks.valid | ((load.masks.data == 0) & (masks != asked)),
        ~load.end | ((masks + load.masks.valid)[: len(asked)] == asked) | (owed != 0),
        ~(load.valid | load.masks.valid | load.end) | dut.select.any(),
        ~dut.failed,
        # Where a half is free, a beat that is offered is taken in bounded time.
        patience < 8,
    )
    return bench.done()


CLAIMS = (
    Claim(
        name="tile packet",
        says="headers are found where packets begin, ends where they end, for any lines of each",
        module="hw.tile_packet",
        harness=_tile_packet,
        broken=(
            (
                "line_ends.eq(self.line + 1 == lines[0])",
                "line_ends.eq(self.line == 1)",
            ),
            ("self.masks_end & (~self.weights_left", "self.masks_end & (1"),
            ("self.step & self.weight & last", "self.weight & last"),
        ),
        depth=14,
    ),
    Claim(
        name="mask expander",
        says="a line is made once its nibbles are there, of these; no beat is asked for in vain",
        module="hw.mask_expander",
        harness=_mask_expander,
        broken=(
            ("(there <= beat)", "(there < 2 * beat)"),
            ("Mux(there[i], nibble, 0)", "nibble"),
            ("place.eq(before + own)", "place.eq(before)"),
            ("read.eq(read + need)", "read.eq(read + need + 1)"),
            ("Mux(self.expands, following, need)", "need"),
            ("(next_there >= next_need)", "(there >= need)"),
        ),
        depth=7,
    ),
    Claim(
        name="weight loader",
        says="every constant and weight reaches its clusters once, in order, after one TILE beat a "
        "tile, and all its mask lines before its end",
        module="hw.weight_loader",
        harness=_weight_loader,
        broken=(
            ("staged.valid.eq(step & (constants | packet.weight))", "staged.valid.eq(step)"),
            ("expander.step.eq(is_payload & step)", "expander.step.eq(is_payload)"),
            (
                "begins.eq(~is_header & ~opened & ~settles & is_free)",
                "begins.eq(~opened & ~settles & is_free)",
            ),
            ("staged.end.eq(ends)", "staged.end.eq(step & packet.end)"),
        ),
        depth=10,
    ),
)
