"""AxiReader: burst and beat cycles of docs/engine.md, section 2, and any legal memory."""

import random

import pytest

from hw.axi_reader import AxiReader

CONTENT = random.Random(5).randbytes(1 << 15)
COMMANDS = [(0x0, 8), (0x40, 40), (0x1000, 70), (0xFC0, 100), (0x2000, 1)]


def expected_bursts(commands, data_bits):
    """[command][burst] of (address, beats): at most 32 beats, and none over a page."""
    size = data_bits // 8
    for address, left in commands:
        bursts = []
        while left:
            beats = min(32, left, (4096 - address % 4096) // size)
            bursts.append((address, beats))
            address, left = address + beats * size, left - beats
        yield bursts


def run(clocked, memory, *, data_bits, ready, commands=COMMANDS):
    """Gives every command as early as possible; returns cycles of commands and data of beats."""
    dut = AxiReader(data_bits=data_bits)
    issued, beats = [], []
    lasts = []

    def step(ctx, cycle):
        memory.drive(ctx, dut.bus, cycle)
        waiting = len(issued) < len(commands)
        ctx.set(dut.command.valid, waiting)
        if waiting:
            address, count = commands[len(issued)]
            ctx.set(dut.command.p.address, address)
            ctx.set(dut.command.p.beats, count)
        ctx.set(dut.o.ready, ready(cycle))
        if ctx.get(dut.o.valid) and ctx.get(dut.o.ready):
            beats.append(ctx.get(dut.o.p.data))
            lasts.append(ctx.get(dut.o.p.last))
        if waiting and ctx.get(dut.command.ready):
            issued.append(cycle)
        memory.sample(ctx, dut.bus, cycle)
        return len(beats) == sum(count for _, count in commands)

    clocked(dut, step, 20000)
    size = data_bits // 8
    expected = [
        int.from_bytes(CONTENT[a + i * size : a + (i + 1) * size], "little")
        for a, count in commands
        for i in range(count)
    ]
    assert beats == expected
    assert sum(lasts) == len(commands)
    return issued


@pytest.mark.parametrize("data_bits", [64, 128])
@pytest.mark.parametrize(("latency", "interval"), [(20, 1), (1, 1), (60, 3), (3, 2)])
def test_cycles(clocked, read_memory, data_bits, latency, interval):
    memory = read_memory(CONTENT, data_bits=data_bits, latency=latency, interval=interval)
    issued = run(clocked, memory, data_bits=data_bits, ready=lambda cycle: cycle % 7 != 3)
    addresses, beats, previous = [], [], -interval
    for command, bursts in zip(issued, expected_bursts(COMMANDS, data_bits), strict=True):
        assert command == (beats[-1] + 1 if beats else 0)
        offers, ends = [], []
        for j, (address, count) in enumerate(bursts):
            offer = command + 1 if j == 0 else offers[-1] + 1
            if j >= 2:
                offer = max(offer, ends[j - 2] + 1)
            offers.append(offer)
            addresses.append((offer, address, count))
            for _ in range(count):
                beat = max(previous + interval, offer + latency)
                while beat % 7 == 3:
                    beat += 1
                beats.append(beat)
                previous = beat
            ends.append(previous)
    assert memory.addresses == addresses
    assert memory.beats == beats


@pytest.mark.parametrize("seed", range(4))
def test_random_stalls(clocked, read_memory, seed):
    rng = random.Random(seed)
    memory = read_memory(CONTENT, data_bits=64, latency=rng.randrange(1, 9), stalls=seed)
    run(clocked, memory, data_bits=64, ready=lambda cycle: rng.random() < 0.5)


def test_halt_swallows_what_is_under_way(clocked, read_memory):
    dut = AxiReader(data_bits=64)
    memory = read_memory(CONTENT, data_bits=64)

    def step(ctx, cycle):
        memory.drive(ctx, dut.bus, cycle)
        ctx.set(dut.command.valid, cycle == 0)
        ctx.set(dut.command.p.beats, 200)
        ctx.set(dut.o.ready, 0)
        ctx.set(dut.halt, cycle > 40)
        if cycle > 40:
            assert not ctx.get(dut.o.valid)
        memory.sample(ctx, dut.bus, cycle)
        return cycle > 41 and ctx.get(dut.quiet)

    clocked(dut, step, 200)
    assert len(memory.beats) == 64
    assert not memory.bursts


def test_error_response(clocked, read_memory):
    dut = AxiReader(data_bits=64)
    memory = read_memory(CONTENT, data_bits=64)
    memory.bad_beat = 3
    failures = []

    def step(ctx, cycle):
        memory.drive(ctx, dut.bus, cycle)
        ctx.set(dut.command.valid, cycle == 0)
        ctx.set(dut.command.p.beats, 8)
        ctx.set(dut.o.ready, 1)
        if ctx.get(dut.failed):
            failures.append(len(memory.beats))
        memory.sample(ctx, dut.bus, cycle)
        return len(memory.beats) == 8

    clocked(dut, step, 100)
    assert failures == [3]
