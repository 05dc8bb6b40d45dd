"""LaneQueue: order, registered fullness, and the cycle an entry appears in."""

import random

import pytest

from hw.lane_queue import LaneQueue


@pytest.mark.parametrize("depth", [1, 2, 3, 8])
def test_against_a_list(clocked, depth):
    rng = random.Random(depth)
    dut = LaneQueue(16, depth=depth)
    content = []

    def step(ctx, cycle):
        assert ctx.get(dut.full) == (len(content) == depth)
        assert ctx.get(dut.o.valid) == bool(content)
        if content:
            assert ctx.get(dut.o.p) == content[0]
        push, value, ready = rng.random() < 0.6, rng.getrandbits(16), rng.random() < 0.5
        ctx.set(dut.push, push)
        ctx.set(dut.i, value)
        ctx.set(dut.o.ready, ready)
        room = len(content) < depth
        if content and ready:
            content.pop(0)
        if push and room:
            content.append(value)
        return cycle == 300

    clocked(dut, step, 301)
