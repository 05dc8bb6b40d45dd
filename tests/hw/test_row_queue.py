"""RowQueue: credits, places and contents that arrive apart, rows in order."""

import random

from hw.row_queue import RowQueue
from sparsespike.contract.config import load_engine
from sparsespike.contract.derived import ROW_CREDITS


def test_against_lists(clocked):
    rng = random.Random(5)
    dut = RowQueue(load_engine("micro"))
    places, contents = [], []

    def step(ctx, cycle):
        assert ctx.get(dut.credit) == (len(places) < ROW_CREDITS)
        assert ctx.get(dut.o.valid) == bool(contents)
        if contents:
            seen = [ctx.get(dut.o.p[name]) for name in ("position", "row", "spikes", "value")]
            assert seen == [places[0][0], places[0][1], *contents[0]]
        allocate = len(places) < ROW_CREDITS and rng.random() < 0.5
        fill = len(contents) < len(places) and rng.random() < 0.5
        accept = bool(contents) and rng.random() < 0.4
        place = (rng.getrandbits(16), rng.getrandbits(16), rng.randrange(2))
        content = (rng.getrandbits(16), rng.randrange(-(2**31), 2**31))
        ctx.set(dut.allocate, allocate)
        ctx.set(dut.place.position, place[0])
        ctx.set(dut.place.row, place[1])
        ctx.set(dut.place.final, place[2])
        ctx.set(dut.fill, fill)
        ctx.set(dut.spikes, content[0])
        ctx.set(dut.value, content[1])
        ctx.set(dut.o.ready, accept)
        assert ctx.get(dut.done) == (accept and places[0][2])
        if accept:
            places.pop(0)
            contents.pop(0)
        if fill:
            contents.append(content)
        if allocate:
            places.append(place)
        return cycle == 500

    clocked(dut, step, 501)
