"""AttentionCounters: rows updated and added to the outputs, one a cycle, rows cleared at once."""

import random

from hw.attention_counters import AttentionCounters
from sparsespike.contract.config import load_engine

ROWS, SLOTS, STEPS = 6, 8, 3


def test_against_lists(clocked):
    engine = load_engine("micro", time_steps=STEPS, head_slots=SLOTS, attention_depth=ROWS)
    rng = random.Random(7)
    dut = AttentionCounters(engine)
    state = {"rows": {}, "outputs": [[0] * STEPS for _ in range(SLOTS)]}
    late = []

    def step(ctx, cycle):
        for change in late[:-1]:
            change()
        del late[:-1]
        slot = rng.randrange(SLOTS)
        ctx.set(dut.slot, slot)
        assert [ctx.get(value) for value in dut.sums] == state["outputs"][slot]
        vectors = step.values
        for a, vector in enumerate(vectors):
            ctx.set(dut.values[a], vector)

        row = rng.choice([row for row in range(ROWS) if row != step.row])
        bits = rng.getrandbits(STEPS)
        action = rng.choice(["update", "update", "accumulate", "", "clear", "clear_outputs"])
        if action.startswith("clear") and step.action:
            action = ""  # the unit clears between walks only
        step.action = action
        for name in ("update", "accumulate", "clear", "clear_outputs"):
            ctx.set(getattr(dut, name), name == action)
        ctx.set(dut.row, row)
        ctx.set(dut.bits, bits)
        step.row, step.values = row, [rng.getrandbits(SLOTS) for _ in range(STEPS)]
        late.append(effect(action, row, bits, step.values))
        return cycle == 1500

    def effect(action, row, bits, values):
        rows, outputs = state["rows"], state["outputs"]

        def change():
            old = rows.get(row, [[0] * STEPS for _ in range(SLOTS)])
            if action == "update":
                rows[row] = [
                    [old[j][a] + (bits >> a & values[a] >> j & 1) for a in range(STEPS)]
                    for j in range(SLOTS)
                ]
            if action == "accumulate":
                for j in range(SLOTS):
                    for a in range(STEPS):
                        outputs[j][a] += old[j][a] * (bits >> a & 1)

        if action == "clear":
            rows.clear()
        if action == "clear_outputs":
            for output in outputs:
                output[:] = [0] * STEPS
        return change

    step.row, step.values, step.action = 0, [0] * STEPS, ""
    clocked(dut, step, 1501)
