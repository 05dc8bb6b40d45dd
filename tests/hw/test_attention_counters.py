"""AttentionCounters: rows cleared, updated and added to the outputs, one a cycle."""

import random

import pytest

from hw.attention_counters import AttentionCounters
from sparsespike.contract.config import load_engine

ROWS, SLOTS = 6, 8


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_against_lists(clocked, steps):
    engine = load_engine("micro", time_steps=steps, head_slots=SLOTS, attention_depth=ROWS)
    rng = random.Random(7)
    dut = AttentionCounters(engine)
    places = 1 << (steps - 1).bit_length()
    rows = {(row, a): [0] * SLOTS for row in range(ROWS) for a in range(steps)}
    outputs = [[0] * steps for _ in range(SLOTS)]
    late = []
    asked = [[0] * steps, [0] * steps]
    cleared = iter([*rows])

    def step(ctx, cycle):
        for change in late[:-1]:
            change()
        del late[:-1]
        slot = rng.randrange(SLOTS)
        ctx.set(dut.slot, 1 << slot)
        ctx.set(dut.advance, 1)
        assert [ctx.get(value) for value in dut.sums] == asked.pop(0)
        asked.append([*outputs[slot]])
        for a, vector in enumerate(step.values):
            ctx.set(dut.values[a], vector)

        first = next(cleared, None)
        action = rng.choice(["update", "update", "accumulate", "accumulate", "", "clear", "again"])
        if action == "again" and step.action:
            action = ""  # the unit clears outputs between visits only
        if first:
            action = "clear"
        # From the first row that is added until the outputs are cleared, rows are only added.
        if step.added is not None and action in ("update", "clear"):
            action = ""
        lowest = (step.added or 0) if action == "accumulate" else 0
        row, a = first or rng.choice(
            [place for place in rows if place != step.row and place[1] >= lowest]
        )
        step.added = {"accumulate": a, "again": None}.get(action, step.added)
        step.action = action
        for name in ("update", "accumulate", "clear"):
            ctx.set(getattr(dut, name), name == action)
        ctx.set(dut.clear_outputs, action == "again")
        ctx.set(dut.row, row * places + a)
        step.row, step.values = (row, a), [rng.getrandbits(SLOTS) for _ in range(steps)]
        late.append(effect(action, row, a, step.values[a]))
        return cycle == 1500

    def effect(action, row, a, value):
        def change():
            counters = rows[row, a]
            if action == "update":
                rows[row, a] = [old + (value >> j & 1) for j, old in enumerate(counters)]
            if action == "clear":
                rows[row, a] = [0] * SLOTS
            if action == "accumulate":
                for j in range(SLOTS):
                    outputs[j][a] += counters[j]

        if action == "again":
            for output in outputs:
                output[:] = [0] * steps
        return change

    step.row, step.values, step.action, step.added = None, [0] * steps, "", None
    clocked(dut, step, 1501)
