"""ScoreMemory: sums of values that may come to one position in every cycle."""

import random

from hw.score_memory import ScoreMemory
from sparsespike.contract.config import load_engine


def test_sums_restart_with_each_layer(clocked):
    dut = ScoreMemory(load_engine("micro", max_tokens=5))
    rng = random.Random(1)
    layers = [[(rng.randrange(5), rng.randrange(-99, 99)) for _ in range(60)] for _ in range(3)]
    script = []
    for additions in layers:
        script += ["clear", *additions, None, None]
    sums, traced, expected = {}, [], []

    def step(ctx, cycle):
        entry = script[cycle]
        ctx.set(dut.clear, entry == "clear")
        if entry == "clear":
            sums.clear()
        adding = isinstance(entry, tuple)
        ctx.set(dut.add, adding)
        if adding:
            position, value = entry
            sums[position] = sums.get(position, 0) + value
            expected.append((cycle + 1, position, sums[position]))
            ctx.set(dut.position, position)
            ctx.set(dut.value, value)
        if ctx.get(dut.trace.valid):
            position, value = ctx.get(dut.trace.position), ctx.get(dut.trace.value)
            traced.append((cycle, position, value))
        return cycle == len(script) - 1

    clocked(dut, step, len(script))
    assert traced == expected


def test_reads(clocked):
    dut = ScoreMemory(load_engine("micro", max_tokens=8))
    read = []

    def step(ctx, cycle):
        ctx.set(dut.add, cycle < 8)
        ctx.set(dut.position, cycle)
        ctx.set(dut.value, -10 * cycle)
        ctx.set(dut.read_position, (cycle - 9) % 8)
        if cycle >= 10:
            read.append(ctx.get(dut.read_value))
        return len(read) == 8

    clocked(dut, step, 40)
    assert read == [-10 * i for i in range(8)]
