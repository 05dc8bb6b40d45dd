"""Claims about what fills and empties the memories: pixel loader, row scheduler, tile store."""

from __future__ import annotations

from types import ModuleType

from amaranth.hdl import Cat, Const, Mux, Signal

from hw import layouts
from hw.formal.claim import Bench, Claim, Harness
from sparsespike.contract.config import load_engine

_PIXELS = 5
_CLUSTERS, _TURNS = 2, 4
_HEIGHT = 4


def _pixel_loader(module: ModuleType) -> Harness:
    """Two pixels a beat, two passes a pixel; the images follow each other at any distance."""
    dut = module.PixelLoader(load_engine("micro"))
    bench = Bench(dut)
    m = bench.m
    begin, pixels = bench.drive(dut.begin, "begin"), bench.drive(dut.pixels, "pixels", 3)
    base, offer = bench.drive(dut.base, "base", 2), bench.drive(dut.i.valid, "offer")
    first, second = bench.free(8, "first"), bench.free(8, "second")
    m.d.comb += dut.i.p.data.eq(Cat(first, Const(0, 24), second))
    wanted, due = bench.register(3, "wanted"), bench.register(3, "due")
    place, step = bench.register(5, "place"), bench.register(2, "step")
    kept = bench.register(16, "kept")
    accepted, taken = offer & dut.i.ready, Mux(wanted > 2, 2, wanted)
    bench.given(~begin | ((wanted == 0) & (due == 0) & (pixels != 0) & (pixels <= _PIXELS)))
    bench.given(~offer | (wanted != 0))
    with m.If(begin):
        m.d.sync += [wanted.eq(pixels), place.eq(base)]
    with m.Elif(due != 0):
        m.d.sync += [due.eq(due - 1), place.eq(place + 1), step.eq(step + 1)]
    with m.If(accepted):
        m.d.sync += [wanted.eq(wanted - taken), due.eq(taken << 1), step.eq(0)]
        m.d.sync += kept.eq(Cat(first, second))
    bench.claim(
        # Every word of a beat is written once, in order, one a cycle; then the next may come.
        dut.write.valid == (due != 0),
        dut.i.ready == (due <= 1),
        dut.finishing == (due <= 1),
        (due == 0) | (dut.write.address == place),
        (due == 0) | (dut.write.data[:4] == kept.word_select(step, 4)),
    )
    return bench.done()


def _row_scheduler(module: ModuleType) -> Harness:
    """Two clusters with rows of their own, in pooling layers and others."""
    dut = module.RowScheduler(load_engine("micro", clusters=_CLUSTERS))
    bench = Bench(dut)
    m = bench.m
    pool, first = bench.drive(dut.pool, "pool"), bench.drive(dut.first_cycle, "first")
    phase = bench.register(range(_TURNS), "phase")
    m.d.sync += phase.eq(Mux(first, 1, phase + 1))
    # A frame begins before its first row; a layer pools or it does not.
    bench.given(~bench.past | (pool == bench.previous(pool, "pool")))
    operated, target, row_x = Signal(), Signal(2), Signal(2)
    for k, entry in enumerate(dut.rows):
        offer, y = bench.drive(entry.valid, f"offer_{k}"), bench.drive(entry.p.y, f"y_{k}", 2)
        x = bench.drive(entry.p.x, f"x_{k}", 2)
        second = bench.register(1, f"second_{k}")
        m.d.comb += entry.p.twice.eq(pool & y[0] & (y != _HEIGHT - 1))
        bench.given(~first | ~offer)
        bench.waits(offer, entry.ready, Cat(y, x), f"row_{k}", given=True)
        turn = offer & (phase == k)
        more = entry.p.twice & ~second
        # A row is taken with its last operation: one, or two where it reaches two targets.
        bench.claim(entry.ready == (turn & ~more))
        with m.If(turn):
            m.d.sync += second.eq(more)
            m.d.comb += [operated.eq(1), target.eq((y >> 1) + second), row_x.eq(x)]
        waited = bench.register(range(2 * _TURNS + 2), f"waited_{k}")
        m.d.sync += waited.eq(Mux(offer & ~entry.ready, waited + 1, 0))
        bench.claim(waited < 2 * _TURNS)
    done = bench.previous(operated, "operated")
    bench.claim(
        dut.operation.valid == done,
        ~done | (dut.operation.y == bench.previous(target, "target")),
        ~done | (dut.operation.row.x == bench.previous(row_x, "x")),
    )
    return bench.done()


def _tile_store(module: ModuleType) -> Harness:
    """A loader that fills a free half, a walk and a take that follow it in stream order."""
    dut = module.TileStore(load_engine("micro"))
    bench = Bench(dut)
    m, load = bench.m, dut.load
    begin, end = bench.free(1, "begin"), bench.drive(load.end, "end")
    lanes, row = bench.drive(load.lanes, "lanes"), bench.drive(load.row, "row", 2)
    walked, taken = bench.drive(dut.walked, "walked"), bench.drive(dut.taken, "taken")
    kinds = layouts.LoadKind
    m.d.comb += [load.valid.eq(begin | end), load.kind.eq(Mux(begin, kinds.TILE, kinds.RECORD))]
    filling = bench.register(1, "filling")
    loaded, walking = bench.register(2, "loaded"), bench.register(2, "walking")
    m.d.sync += [
        filling.eq((filling | begin) & ~end),
        loaded.eq(loaded + end - walked),
        walking.eq(walking + walked - taken),
    ]
    # One tile after the other, into a free half; walked when it is there, taken once walked.
    bench.given(~begin | (dut.free & ~filling), ~end | filling, ~begin | ~end)
    bench.given(~walked | dut.available, ~taken | (walking != 0))
    inside = bench.in_order(
        put=begin,
        put_data=Cat(lanes, row),
        get=taken,
        get_data=Cat(dut.take_lanes, dut.take_row[:2]),
        most=2,
    )
    oldest, newest = bench.register(len(lanes), "oldest"), bench.register(len(lanes), "newest")
    waiting = bench.register(2, "waiting")
    m.d.sync += waiting.eq(waiting + begin - walked)
    with m.If(walked):
        m.d.sync += oldest.eq(newest)
    with m.If(begin):
        m.d.sync += newest.eq(lanes)
        with m.If(waiting == walked):
            m.d.sync += oldest.eq(lanes)
    bench.claim(
        dut.free == (inside != 2),
        dut.available == (loaded != 0),
        inside == filling + loaded + walking,
        ~dut.available | (dut.walk_lanes == oldest),
        # The half that is filled is none that is still read.
        (loaded == 0) | ~filling | (dut.fill_half != dut.walk_half),
    )
    return bench.done()


CLAIMS = (
    Claim(
        name="pixel loader",
        says="every pixel of every beat is written once, in order; the next beat waits for it",
        module="hw.pixel_loader",
        harness=_pixel_loader,
        broken=(
            ("self.i.ready.eq(self.finishing)", "self.i.ready.eq(1)"),
            ("(left == 1)", "(left == 2)"),
            ("word.eq(word + 1)", "word.eq(word + step)"),
        ),
    ),
    Claim(
        name="row scheduler",
        says="a row is operated on in its cluster's turns only, once a target, and then taken",
        module="hw.row_scheduler",
        harness=_row_scheduler,
        broken=(
            ("entry.valid & turn[k] & ~more[k]", "entry.valid & ~more[k]"),
            ("turn[k] & ~more[k]", "turn[k]"),
            ("steps[k].eq(more[k])", "steps[k].eq(0)"),
        ),
    ),
    Claim(
        name="tile store",
        says="tiles are walked and taken in the order of loading; no half in use is filled",
        module="hw.tile_store",
        harness=_tile_store,
        broken=(
            ("self.free.eq(in_use != 2)", "self.free.eq(1)"),
            ("loaded + end - self.walked", "loaded + begin - self.walked"),
            ("take_half.eq(take_half ^ self.taken)", "take_half.eq(take_half ^ self.walked)"),
        ),
    ),
)
