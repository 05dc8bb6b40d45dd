"""ActivationStore: words written by units, read a cycle later, held while no read is asked for."""

import random

import pytest

from hw.activation_store import ActivationStore
from hw.layouts import MemoryKind
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine


@pytest.mark.parametrize(
    "knobs", [{}, {"chunk": 4, "lanes": 6}, {"chunk": 16, "lanes": 3}, {"count_bits": 1}]
)
def test_reads_and_writes(clocked, knobs):
    engine = load_engine("micro", spike_depth=64, count_depth=32, **knobs)
    rng = random.Random(1)
    dut = ActivationStore(engine)
    units = derived.line_slots(engine) // derived.unit_slots(engine)
    words = derived.words_per_line(engine)
    sizes = {MemoryKind.SPIKE: engine.time_steps, MemoryKind.COUNT: engine.time_steps}
    sizes[MemoryKind.COUNT] *= engine.count_bits
    depths = {MemoryKind.SPIKE: 64, MemoryKind.COUNT: 32}
    lines = {kind: [0] * (depth // words) for kind, depth in depths.items()}
    outputs = {MemoryKind.SPIKE: dut.spikes, MemoryKind.COUNT: dut.values}
    standing = []

    def step(ctx, cycle):
        for output, value in standing:
            assert ctx.get(output) == value
        kind = rng.choice(list(MemoryKind))
        address, enable = rng.randrange(len(lines[kind])), rng.getrandbits(units)
        width = derived.line_slots(engine) * sizes[kind]
        valid, data = rng.random() < 0.7, rng.getrandbits(width)
        for field, value in (("valid", valid), ("memory", kind), ("address", address)):
            ctx.set(dut.write[field], value)
        ctx.set(dut.write.data, data)
        ctx.set(dut.write.enable, enable)

        asked = rng.choice(list(MemoryKind))
        word, read = rng.randrange(depths[asked]), rng.random() < 0.6
        ctx.set(dut.enable, read)
        ctx.set(dut.counts, asked == MemoryKind.COUNT)
        ctx.set(dut.address, word)
        if read:
            bits = engine.chunk * sizes[asked]
            value = lines[asked][word // words] >> word % words * bits & ((1 << bits) - 1)
            standing[:] = [(outputs[asked], value)]
        if valid:
            unit = width // units
            mask = sum(((1 << unit) - 1) << i * unit for i in range(units) if enable >> i & 1)
            lines[kind][address] = lines[kind][address] & ~mask | data & mask
        return cycle == 400

    clocked(dut, step, 401)
