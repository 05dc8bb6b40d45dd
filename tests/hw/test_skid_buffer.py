"""SkidBuffer: order, cycles, and a ready that follows no ready."""

import random

import pytest
from amaranth.hdl import unsigned

from hw.skid_buffer import SkidBuffer


@pytest.mark.parametrize("offer, accept", [(1.0, 1.0), (1.0, 0.5), (0.5, 1.0), (0.6, 0.4)])
def test_two_places_in_order(clocked, offer, accept):
    rng = random.Random(f"{offer} {accept}")
    items = [rng.getrandbits(8) for _ in range(200)]
    dut = SkidBuffer(unsigned(8))
    taken, stood, left, seen = [], [], [], []

    def step(ctx, cycle):
        offered = len(taken) < len(items) and rng.random() < offer
        ctx.set(dut.i.valid, offered)
        ctx.set(dut.i.p, items[len(taken)] if offered else rng.getrandbits(8))
        room = ctx.get(dut.i.ready)
        assert room == (len(taken) - len(left) < 2), "low only while both places are taken"
        ready = rng.random() < accept
        ctx.set(dut.o.ready, ready)
        assert ctx.get(dut.i.ready) == room, "no path from ready to ready"
        if ctx.get(dut.o.valid):
            if len(stood) == len(left):
                stood.append(cycle)
            if ready:
                left.append(cycle)
                seen.append(ctx.get(dut.o.p))
        if offered and room:
            taken.append(cycle)
        return len(left) == len(items)

    clocked(dut, step, 3000)
    assert seen == items
    before = -1
    for arrived, first, last in zip(taken, stood, left, strict=True):
        assert first == max(arrived + 1, before + 1)
        before = last
    if offer == accept == 1:
        assert left == list(range(1, len(items) + 1)), "one a cycle"
