"""LaneUnit against the recurrences of docs/engine.md, section 3, with random pushes and takes."""

import random
from itertools import chain

import pytest
from amaranth.sim import Simulator

from hw.lane_unit import LaneUnit
from hw.layouts import LoadKind
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine

ENTRIES = 120


def expected_sums(engine, entry, weights, sums):
    """Adds an entry's matches to the `sums` of each channel, as the page's sentence says."""
    for word, own in zip(entry["words"], sums, strict=True):
        for slot in range(engine.chunk):
            if not word["match"] >> slot & 1:
                continue
            index = word["offset"] + bin(word["mask"] & ((1 << slot) - 1)).count("1")
            for step in range(engine.time_steps):
                for bit, vector in enumerate(entry["spikes"][step]):
                    if vector >> slot & 1:
                        own[step] += weights[entry["half"]][index] << entry["shift"] + bit


def matches(entry):
    return sum(bin(word["match"]).count("1") for word in entry["words"])


def issues(engine, entry):
    """Weights read: the matches, or with serial lanes all of a word that has one."""
    issued = "mask" if engine.lane_kind == "serial" else "match"
    return sum(bin(word[issued]).count("1") for word in entry["words"] if word["match"])


def no_sums(engine):
    return [[0] * engine.time_steps for _ in range(engine.lane_channels)]


def random_word(engine, rng, length, loud):
    mask = rng.getrandbits(engine.chunk)
    offset = rng.randrange(length - engine.chunk + 1)
    return {"match": mask & loud, "mask": mask, "offset": offset}


def random_entry(engine, rng, length):
    chance, width = rng.choice([0.0, 0.2, 0.7]), engine.digit_bits
    loud = sum(1 << slot for slot in range(engine.chunk) if rng.random() < chance)
    spikes = [
        [rng.getrandbits(engine.chunk) & loud for _ in range(width)]
        for _ in range(engine.time_steps)
    ]
    heard = 0
    for vector in chain(*spikes):
        heard |= vector
    words = [random_word(engine, rng, length, heard) for _ in range(engine.lane_channels)]
    last = rng.random() < 0.4 or not any(word["match"] for word in words)
    return {
        "words": words,
        "spikes": spikes,
        "last": last,
        "shift": rng.randrange(0, 5, 2) if width == 2 else rng.randrange(4),
        "half": rng.randrange(2),
    }


def load_beats(engine, weights):
    per_beat, slot_bits = derived.weights_per_beat(engine), derived.weight_slot_bits(engine)
    for half, values in enumerate(weights):
        for line in range(len(values) // per_beat):
            word = 0
            for i, weight in enumerate(values[line * per_beat : (line + 1) * per_beat]):
                word |= (weight & ((1 << slot_bits) - 1)) << i * slot_bits
            yield half, line, word


def run(engine, entries, weights, rng, patience):
    """Drives a LaneUnit; returns cycles of pushes, refusals, valid rising, takes, and the sums."""
    dut = LaneUnit(engine, lane=1)
    pushes, full, ready, takes, results = [], [], [], [], []
    ends = sum(entry["last"] for entry in entries)

    async def bench(ctx):
        ctx.set(dut.load.valid, 1)
        ctx.set(dut.load.kind, LoadKind.WEIGHT)
        ctx.set(dut.load.lane, 1)
        for half, line, word in load_beats(engine, weights):
            ctx.set(dut.fill_half, half)
            ctx.set(dut.load.line, line)
            ctx.set(dut.load.data, word)
            await ctx.tick()
        ctx.set(dut.load.valid, 0)
        cycle, pushed, wait = 0, 0, 0
        while len(takes) < ends:
            refused = ctx.get(dut.full)
            full.append(refused)
            push = pushed < len(entries) and not refused and rng.random() < 0.7
            ctx.set(dut.push, push)
            if push:
                entry = entries[pushed]
                for place, vector in enumerate(chain(*entry["spikes"])):
                    ctx.set(dut.beat.spikes[place], vector)
                ctx.set(dut.beat.shift, entry["shift"])
                ctx.set(dut.beat.last, entry["last"])
                ctx.set(dut.beat.half, entry["half"])
                for place, word in enumerate(entry["words"]):
                    ctx.set(dut.matches[place], word["match"])
                    ctx.set(dut.words[place].mask, word["mask"])
                    ctx.set(dut.words[place].offset, word["offset"])
                pushes.append(cycle)
                pushed += 1
            valid = ctx.get(dut.valid)
            if valid and len(ready) == len(takes):
                ready.append(cycle)
                wait = rng.randrange(patience + 1)
            take = valid and wait == 0
            wait = max(0, wait - 1)
            ctx.set(dut.take, take)
            if take:
                takes.append(cycle)
                results.append([[ctx.get(value) for value in own] for own in dut.sums])
            await ctx.tick()
            cycle += 1

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return pushes, full, ready, takes, results


@pytest.mark.parametrize(
    "fields, patience",
    [
        ({}, 0),
        ({}, 12),
        ({"fifo_depth": 1, "time_steps": 3, "weight_bits": 4}, 4),
        ({"chunk": 32, "axi_data_bits": 128, "time_steps": 1, "fifo_depth": 7}, 30),
        ({"digit_bits": 2}, 5),
        ({"digit_bits": 2, "time_steps": 3, "weight_bits": 4, "fifo_depth": 2}, 0),
        ({"digit_bits": 2, "time_steps": 1, "chunk": 32, "weight_bits": 6}, 9),
        ({"lane_channels": 2}, 3),
        ({"lane_channels": 2, "digit_bits": 2}, 7),
        ({"lane_channels": 2, "chunk": 16, "time_steps": 3, "fifo_depth": 2}, 0),
        ({"lane_kind": "serial", "lane_channels": 1}, 3),
        ({"lane_kind": "serial", "lane_channels": 1, "digit_bits": 2, "fifo_depth": 1}, 0),
        ({"lane_kind": "serial", "time_steps": 3, "weight_bits": 4}, 9),
        ({"lane_kind": "serial", "chunk": 32, "digit_bits": 2, "fifo_depth": 2}, 0),
    ],
)
def test_lane_unit_follows_the_recurrence(fields, patience):
    engine = load_engine("micro", weight_depth=96, **fields)
    rng = random.Random(f"{fields}{patience}")
    length = derived.weight_lines(engine) * derived.weights_per_beat(engine)
    limit = 1 << engine.weight_bits - 1
    weights = [[rng.randrange(-limit, limit) for _ in range(length)] for _ in range(2)]
    entries = [random_entry(engine, rng, length) for _ in range(ENTRIES)]
    entries[-1]["last"] = True
    pushes, full, ready, takes, results = run(engine, entries, weights, rng, patience)

    starts, finish, taken = [], -1, -1
    walk = 0
    sums = no_sums(engine)
    for push, entry in zip(pushes, entries, strict=True):
        start = max(push + 2, finish + 1)
        starts.append(start)
        finish = start + max(issues(engine, entry), 1) - 1
        expected_sums(engine, entry, weights, sums)
        if entry["last"]:
            finish = max(finish, taken + 1)
            assert ready[walk] == max(finish + derived.lane_latency(engine), taken + 1)
            assert results[walk] == sums
            taken, sums = takes[walk], no_sums(engine)
            walk += 1

    for cycle, refused in enumerate(full):
        count = sum(1 for push in pushes if push < cycle)
        oldest = count - engine.fifo_depth
        assert refused == (oldest >= 0 and starts[oldest] > cycle), cycle
