"""LogitWriter with the logit memory: cycles of docs/engine.md, section 6, and any legal memory."""

import random

import pytest

from hw.logit_memory import LogitMemory
from hw.logit_writer import LogitWriter
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine

ADDRESS = 0x12345000


def run(clocked, engine, memory, logits, *, start):
    dut = LogitWriter(engine)
    asked, failures = [0], []

    def step(ctx, cycle):
        memory.drive(ctx, dut.bus, cycle)
        ctx.set(dut.start, cycle == start)
        ctx.set(dut.address, ADDRESS)
        ctx.set(dut.classes, len(logits))
        ctx.set(dut.logit, logits[asked[0]] if asked[0] < len(logits) else 999)
        asked[0] = ctx.get(dut.index)
        if cycle < start:
            assert ctx.get(dut.quiet)
        if ctx.get(dut.failed):
            failures.append(cycle)
        memory.sample(ctx, dut.bus, cycle)
        if ctx.get(dut.done):
            memory.events.append((cycle, "done"))
        return ctx.get(dut.done)

    clocked(dut, step, 10000)
    return failures


def expected_content(engine, logits):
    per_beat, size = derived.logits_per_beat(engine), engine.axi_data_bits // 8
    content = {}
    for first in range(0, len(logits), per_beat):
        part = logits[first : first + per_beat]
        word = sum((logit & 0xFFFF_FFFF) << 32 * i for i, logit in enumerate(part))
        content[ADDRESS + first // per_beat * size] = word
    return content


@pytest.mark.parametrize("axi_data_bits", [64, 128])
@pytest.mark.parametrize("classes", [1, 2, 5, 10, 700])
def test_cycles(clocked, write_memory, axi_data_bits, classes):
    engine = load_engine("micro", axi_data_bits=axi_data_bits, max_classes=700, memory_latency=9)
    rng = random.Random(classes)
    logits = [rng.randrange(-(1 << 31), 1 << 31) for _ in range(classes)]
    memory = write_memory(data_bits=axi_data_bits, latency=9)
    assert run(clocked, engine, memory, logits, start=4) == []
    assert memory.content == expected_content(engine, logits)
    first = 5
    assert memory.events[0] == (first, "address")
    last = first + derived.logit_cycles(engine, classes) - 1
    assert memory.events[-2:] == [(last, "response"), (last, "done")]
    per_beat = derived.logits_per_beat(engine)
    sent = [cycle for cycle, event in memory.events if event == "data"]
    beats = derived.ceil_div(classes, per_beat)
    assert sent == [first + (i + 1) * (per_beat + 1) for i in range(beats)]


@pytest.mark.parametrize("seed", range(4))
def test_random_stalls(clocked, write_memory, seed):
    engine = load_engine("micro", max_classes=600)
    rng = random.Random(seed)
    logits = [rng.randrange(-(1 << 31), 1 << 31) for _ in range(rng.choice([7, 600]))]
    memory = write_memory(data_bits=64, latency=rng.randrange(1, 30), stalls=seed)
    assert run(clocked, engine, memory, logits, start=0) == []
    assert memory.content == expected_content(engine, logits)


def test_error_response(clocked, write_memory):
    memory = write_memory(data_bits=64, latency=5, bad=True)
    failures = run(clocked, load_engine("micro"), memory, [1, 2, 3], start=0)
    assert failures == [memory.events[-1][0]]


def test_memory_adds_values_by_row_and_lane(clocked):
    """Two layers; in each every logit is added to once, twice in a row, or later again."""
    dut = LogitMemory(load_engine("small", lanes=5, max_classes=13))
    rng = random.Random(1)
    places = [(row, lane) for row in range(3) for lane in range(5)]
    layers = []
    for _ in range(2):
        order = rng.sample(places, len(places))
        again = [place for place in order for _ in range(rng.choice([1, 2]))]
        again += rng.sample(places, 4)
        layers.append([(place, rng.randrange(-1000, 1000)) for place in again])
    script, expected, gather = {}, [], {}
    cycle = 2
    for layer in layers:
        script[cycle] = None
        for addition in layer:
            cycle += 1
            script[cycle] = addition
        cycle += 3
        totals = [sum(v for p, v in layer if p == (i // 5, i % 5)) for i in range(13)]
        for i, total in enumerate(totals):
            gather[cycle + i] = i
            expected.append(total)
        cycle += 15
    read = []

    def step(ctx, now):
        entry = script.get(now)
        ctx.set(dut.clear, now in script and entry is None)
        ctx.set(dut.add, entry is not None)
        if entry is not None:
            (row, lane), value = entry
            ctx.set(dut.row, row)
            ctx.set(dut.lane, lane)
            ctx.set(dut.value, value)
        if now - 1 in gather:
            read.append(ctx.get(dut.logit))
        ctx.set(dut.index, gather.get(now, 0))
        return now == cycle

    clocked(dut, step, 200)
    assert read == expected
