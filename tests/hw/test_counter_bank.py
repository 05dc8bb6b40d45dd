"""CounterBank: totals of all clusters, restart on store, and the counter memory."""

import random

from hw.counter_bank import ENGINE_COUNTERS, CounterBank
from hw.layouts import CLUSTER_COUNTERS
from sparsespike.contract.config import load_engine
from sparsespike.contract.counters import COUNTERS


def test_totals(clocked):
    engine = load_engine("small", clusters=3, attention_units=1, max_layers=4)
    dut = CounterBank(engine)
    rng = random.Random(4)
    totals = [dict.fromkeys(COUNTERS, 0) for _ in range(3)]
    first_store = [50, 150, 250]
    read = []

    def add(ctx, cycle, name, signal, value, delay):
        ctx.set(signal, value)
        if not value:
            return
        store = [first + COUNTERS.index(name) for first in first_store]
        layer = next(i for i, stored in enumerate(store) if cycle + delay <= stored)
        totals[layer][name] += value

    def step(ctx, cycle):
        ctx.set(dut.clear, cycle == 0)
        busy = 2 < cycle < 240
        for name in ENGINE_COUNTERS:
            value = rng.randrange(9) if busy else 0
            add(ctx, cycle, name, dut.events[name], value, 1)
        for cluster in dut.increments:
            for name in CLUSTER_COUNTERS:
                value = rng.randrange(1 << len(cluster[name])) if busy else 0
                add(ctx, cycle, name, cluster[name], value, 2)
        ctx.set(dut.cycles, cycle)
        ctx.set(dut.store, 0)
        for layer, first in enumerate(first_store):
            if first <= cycle < first + len(COUNTERS):
                ctx.set(dut.store, 1)
                ctx.set(dut.index, cycle - first)
                ctx.set(dut.layer, layer)
                if cycle == first + len(COUNTERS) - 1:
                    totals[layer]["cycles"] = cycle
        place = cycle - 300
        ctx.set(dut.read, place >= 0)
        if place >= 0:
            ctx.set(dut.read_layer, min(2, place // len(COUNTERS)))
            ctx.set(dut.read_counter, place % len(COUNTERS))
        if place >= 1:
            read.append(ctx.get(dut.read_value))
        return len(read) == 3 * len(COUNTERS)

    clocked(dut, step, 1000)
    assert read == [layer[name] for layer in totals for name in COUNTERS]


def test_what_an_aborted_frame_counted_is_gone(clocked):
    engine = load_engine("small", max_layers=4)
    dut = CounterBank(engine)
    beats = COUNTERS.index("dma_read_beats")
    read = []

    def step(ctx, cycle):
        # 100 cycles of a frame that is never stored, then one of 30 cycles.
        ctx.set(dut.clear, cycle in (0, 100))
        ctx.set(dut.events["dma_read_beats"], 3 if cycle < 130 else 0)
        ctx.set(dut.store, 200 <= cycle < 200 + len(COUNTERS))
        ctx.set(dut.index, max(0, cycle - 200) % len(COUNTERS))
        ctx.set(dut.read, cycle == 300)
        ctx.set(dut.read_counter, beats)
        if cycle == 301:
            read.append(ctx.get(dut.read_value))
        return bool(read)

    clocked(dut, step, 400)
    assert read == [90]
