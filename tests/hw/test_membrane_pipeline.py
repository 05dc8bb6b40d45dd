"""MembranePipeline against the rule for P, over groups of steps, at its tightest spacing."""

import random

import pytest

from hw.membrane_pipeline import MembranePipeline
from sparsespike.contract.config import load_engine


@pytest.mark.parametrize("steps, total", [(1, 1), (1, 3), (2, 5), (4, 4), (4, 7), (6, 11)])
def test_spikes(clocked, steps, total):
    engine = load_engine("micro", time_steps=steps)
    rng = random.Random(total)
    dut = MembranePipeline(engine)
    groups = -(-total // steps)
    slots = steps + 2
    plan = [(slot, g) for _ in range(12) for g in range(groups) for slot in range(slots)]
    thresholds = [rng.choice([1, 300 << total, 1 << engine.membrane_bits - 1]) for _ in plan]
    membranes, expected, inputs = {}, [], []
    for i, (slot, g) in enumerate(plan):
        currents = [rng.randrange(-400, 500) for _ in range(steps)]
        potential = membranes.get(slot, 0) if g else 0
        fired = 0
        for a, current in enumerate(currents):
            t = g * steps + a + 1
            if t <= total:
                potential += current << (t - 1)
                if potential << (total - t) >= thresholds[i]:
                    fired, potential = fired | 1 << a, 0
        membranes[slot] = potential
        expected.append(fired)
        inputs.append([current << (total - 1) for current in currents])

    def step(ctx, cycle):
        if cycle < len(plan):
            ctx.set(dut.slot, plan[cycle][0])
        ctx.set(dut.valid, 0 < cycle <= len(plan))
        if 0 < cycle <= len(plan):
            g = plan[cycle - 1][1]
            ctx.set(dut.fresh, g == 0)
            ctx.set(dut.steps, sum(1 << a for a in range(steps) if g * steps + a < total))
            ctx.set(dut.threshold, thresholds[cycle - 1])
            for a, current in enumerate(inputs[cycle - 1]):
                ctx.set(dut.currents[a], current)
        if steps < cycle <= steps + len(plan):
            assert ctx.get(dut.spikes) == expected[cycle - steps - 1], cycle
        return cycle == len(plan) + steps + 1

    clocked(dut, step, len(plan) + steps + 2)
    assert any(expected)
