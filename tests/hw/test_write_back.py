"""WriteBack: slots and rows of docs/engine.md, section 3, against plain Python memories."""

import random

import pytest

from hw.layouts import MemoryKind
from hw.write_back import WriteBack
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine
from sparsespike.contract.program import Operation, Output

GROUPS, ROWS = 2, 8
BASE, RESIDUAL = 16, 1024


def make_rows(engine, *, kind, height, width, rng):
    """For each cluster its rows in order: (position, y, x, group, row, spikes, value)."""
    bits = derived.lane_pitch(engine) * engine.time_steps
    clusters = []
    for cluster in range(engine.attention_units if kind == "attention" else engine.clusters):
        rows = []
        for tile in range(2 if kind == "pool" else 3):
            for n in range(height * width):
                held = kind == "pool" and n % width % 2 == 0 and n % width != width - 1
                for g in range(0 if held else GROUPS):
                    spikes = rng.getrandbits(bits) & rng.getrandbits(bits)
                    value = rng.randrange(-(1 << 20), 1 << 20)
                    place = (cluster + tile * engine.clusters) % ROWS
                    rows.append((n, n // width, n % width, g, place, spikes, value))
        clusters.append(rows)
    return clusters


def targets(height, width, y, x):
    """Pooled positions that a row merged up to (y, x) reaches, and whether it is their first."""
    for py in range((height + 1) // 2):
        ys = [v for v in range(2 * py - 1, 2 * py + 2) if 0 <= v < height]
        if y in ys:
            yield py, x // 2, ys[0] == y


def expected_operations(height, width, kind, row):
    _n, y, x, *_ = row
    if kind != "pool":
        return [None]
    return list(targets(height, width, y, x))


CASES = [
    ("spike", {"clusters": 3, "lanes": 5}, 2, 3),
    ("count", {"clusters": 4, "lanes": 4}, 2, 3),
    ("residual", {"clusters": 2, "lanes": 16, "chunk": 4}, 3, 2),
    ("residual", {"clusters": 5, "lanes": 4}, 2, 2),
    ("attention", {"clusters": 7, "lanes": 4, "attention_units": 5}, 2, 3),
    ("pool", {"clusters": 1, "lanes": 4}, 5, 4),
    ("pool", {"clusters": 6, "lanes": 3}, 4, 4),
    ("pool counts", {"clusters": 2, "lanes": 8, "chunk": 8}, 3, 5),
]


@pytest.mark.parametrize(("kind", "knobs", "height", "width"), CASES)
def test_rows_and_cycles(clocked, kind, knobs, height, width):
    sizes = {"spike_depth": 4096, "count_depth": 4096, "attention_units": 1}
    engine = load_engine("small", **(sizes | knobs))
    rng = random.Random(f"{kind}{knobs}")
    counts = kind in ("count", "residual", "pool counts")
    kind = "pool" if kind.startswith("pool") else kind
    clusters = make_rows(engine, kind=kind, height=height, width=width, rng=rng)
    tokens = rng.sample(range(engine.max_tokens), height * width)
    waits = [[rng.choice([0, 0, 3, 17]) for _ in rows] for rows in clusters]
    layer = {
        "operation": Operation.ATTENTION if kind == "attention" else Operation.MATMUL,
        "output": Output.COUNT.value if counts else Output.SPIKE.value,
        "pool": kind == "pool",
        "residual": kind == "residual",
        "use_list": kind in ("spike", "residual"),
        "groups": GROUPS,
        "destination_rows": ROWS,
        "destination_base": BASE,
        "residual_base": RESIDUAL,
        "height": height,
        "width": width,
    }
    writes, taken = _run(clocked, engine, layer, clusters, waits, tokens)

    slots = 5 if kind == "attention" else max(4, engine.clusters)
    expected, times = [], []
    for k, rows in enumerate(clusters):
        ready, mine = 1, []
        for row, wait in zip(rows, waits[k], strict=True):
            m = ready + wait
            m += (k - m) % slots
            for operation in expected_operations(height, width, kind, row):
                expected.append((m, row, operation))
                last, m = m, m + slots
            mine.append(last)
            ready = last + 1
        times.append(mine)
    assert taken == times
    expected.sort(key=lambda entry: entry[0])
    assert len(writes) == len(expected)
    memory = {}
    for (m, row, operation), (cycle, kind_written, address, data) in zip(
        expected, writes, strict=True
    ):
        assert cycle == m + WriteBack.READ_DELAY + 2
        assert kind_written == (MemoryKind.COUNT if counts else MemoryKind.SPIKE)
        n, _y, _x, g, r, spikes, _value = row
        token = tokens[n] if layer["use_list"] else n
        if operation is not None:
            token = operation[0] * ((width + 1) // 2) + operation[1]
        offset = (token * GROUPS + g) * ROWS + r
        assert address == BASE + offset
        value = _stored(engine, counts, kind, operation, spikes, memory, offset)
        memory[BASE + offset] = value
        assert data == value


def _stored(engine, counts, kind, operation, spikes, memory, offset):
    """The row's new content; rows never written hold a pattern where residuals are read."""
    if kind == "pool":
        old = 0 if operation[2] else memory[BASE + offset]
        if not counts:
            return old | spikes
        return _spread(engine, spikes) | old
    if kind == "residual":
        return _spread(engine, spikes) + initial_counts(engine, RESIDUAL + offset)
    return _spread(engine, spikes) if counts else spikes


def _spread(engine, spikes):
    bits = derived.lane_pitch(engine) * engine.time_steps
    return sum((spikes >> i & 1) << i * engine.count_bits for i in range(bits))


def initial_counts(engine, row):
    """Content of a count row before the layer: every count below its highest value."""
    rng = random.Random(row)
    bits = derived.lane_pitch(engine) * engine.time_steps
    width = engine.count_bits
    return sum(rng.randrange((1 << width) - 1) << i * width for i in range(bits))


def _run(clocked, engine, layer, clusters, waits, tokens):
    dut = WriteBack(engine)
    rows_per_line = derived.rows_per_line(engine)
    bits = derived.lane_pitch(engine) * engine.time_steps * engine.count_bits
    lines = (RESIDUAL + derived.ceil_div(engine.max_tokens * GROUPS * ROWS, 1)) // rows_per_line
    fill = lines + 1 if layer["residual"] else 0
    writes, taken = [], [[] for _ in clusters]
    ready_from = [1 + wait[0] for wait in waits]

    def step(ctx, cycle):
        cycle -= fill
        if cycle < 0:
            line = cycle + fill
            ctx.set(dut.pixels.valid, 1)
            ctx.set(dut.pixels.memory, MemoryKind.COUNT)
            ctx.set(dut.pixels.address, line)
            parts = [initial_counts(engine, line * rows_per_line + i) for i in range(rows_per_line)]
            ctx.set(dut.pixels.data, sum(part << i * bits for i, part in enumerate(parts)))
            ctx.set(dut.pixels.enable, (1 << len(dut.pixels.enable)) - 1)
            return False
        ctx.set(dut.pixels.valid, 0)
        ctx.set(dut.first_cycle, cycle == 0)
        for name, value in layer.items():
            ctx.set(getattr(dut.descriptor, name), int(value))
        for k, rows in enumerate(clusters):
            place = len(taken[k])
            valid = place < len(rows) and cycle >= ready_from[k]
            ctx.set(dut.rows[k].valid, valid)
            if valid:
                names = ("position", "y", "x", "group", "row", "spikes", "value")
                for name, value in zip(names, rows[place], strict=True):
                    ctx.set(getattr(dut.rows[k].p, name), value)
                kind = "pool" if layer["pool"] else "other"
                reached = expected_operations(layer["height"], layer["width"], kind, rows[place])
                ctx.set(dut.rows[k].p.twice, len(reached) == 2)
        ctx.set(dut.list_value, tokens[min(ctx.get(dut.list_index), len(tokens) - 1)])
        for k in range(len(clusters)):
            if ctx.get(dut.rows[k].valid) and ctx.get(dut.rows[k].ready):
                taken[k].append(cycle)
                if len(taken[k]) < len(waits[k]):
                    ready_from[k] = cycle + 1 + waits[k][len(taken[k])]
        if ctx.get(dut.trace.valid):
            data, kind = ctx.get(dut.trace.data), ctx.get(dut.trace.memory)
            writes.append((cycle, kind, ctx.get(dut.trace.address), data))
        done = all(len(mine) == len(rows) for mine, rows in zip(taken, clusters, strict=True))
        return done and cycle > max(mine[-1] for mine in taken) + 10

    clocked(dut, step, 20000)
    return writes, taken


def test_scores_and_logits_leave_one_cycle_after_their_operation(clocked):
    engine = load_engine("small")
    dut = WriteBack(engine)
    seen = []

    def step(ctx, cycle):
        ctx.set(dut.first_cycle, cycle == 0)
        output = Output.SCORE if cycle < 20 else Output.HEAD
        ctx.set(dut.descriptor.output, output.value)
        ctx.set(dut.rows[2].valid, cycle in (5, 6, 21, 22))
        ctx.set(dut.rows[2].p.value, -cycle)
        for kind in ("score", "logit", "written"):
            if ctx.get(getattr(dut, kind)):
                seen.append((cycle, kind, ctx.get(dut.finished.value)))
        return cycle == 30

    clocked(dut, step, 40)
    assert seen == [(7, "score", -6), (23, "logit", -22)]
