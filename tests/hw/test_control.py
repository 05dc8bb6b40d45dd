"""The small blocks around a frame: timer, faults, soft reset, token list."""

import pytest

from hw.fault_latch import FaultLatch
from hw.frame_timer import FrameTimer
from hw.soft_reset import SoftReset
from hw.token_list import TokenList
from sparsespike.contract.config import load_engine


def test_timer_counts_from_the_start(clocked):
    dut = FrameTimer()
    start, begins, ends = 5, 20, (30, 47)
    seen = {}

    def step(ctx, cycle):
        ctx.set(dut.start, cycle == start)
        ctx.set(dut.running, start < cycle <= ends[-1])
        ctx.set(dut.layer_begins, cycle == begins)
        ctx.set(dut.layer_ends, cycle in ends)
        ctx.set(dut.limit, 0)
        seen[cycle] = (ctx.get(dut.frame_cycles), ctx.get(dut.layer_cycles))
        assert not ctx.get(dut.timeout)
        return cycle == 60

    clocked(dut, step, 100)
    for cycle in range(start + 1, ends[-1] + 1):
        layer = cycle - start + 1 if cycle <= ends[0] else cycle - ends[0]
        assert seen[cycle] == (cycle - start, layer)
    assert seen[60][0] == ends[-1] + 1 - start


@pytest.mark.parametrize(
    ("limit", "expected"), [(0, []), (10, [11]), (11, [24]), (26, [39]), (27, [])]
)
def test_watchdog(clocked, limit, expected):
    """Start in cycle 0, the only layer in cycles 12 to 39."""
    dut = FrameTimer()
    raised = []

    def step(ctx, cycle):
        ctx.set(dut.start, cycle == 0)
        ctx.set(dut.running, 0 < cycle <= 39 and not raised)
        ctx.set(dut.layer_begins, cycle == 11)
        ctx.set(dut.layer_ends, cycle == 39)
        ctx.set(dut.limit, limit)
        if ctx.get(dut.timeout):
            raised.append(cycle)
        return cycle == 50

    clocked(dut, step, 60)
    assert raised[:1] == expected


def test_the_first_fault_stays(clocked):
    dut = FaultLatch()
    script = {3: (0b010100, 7), 4: (0b000001, 8)}
    seen = []

    def step(ctx, cycle):
        faults, layer = script.get(cycle, (0, 9))
        ctx.set(dut.faults, faults)
        ctx.set(dut.layer, layer)
        values = [ctx.get(s) for s in (dut.happened, dut.error, dut.code, dut.where)]
        seen.append(tuple(values))
        return cycle == 6

    clocked(dut, step, 10)
    assert seen[2:] == [(0, 0, 0, 0), (1, 0, 0, 0), *[(0, 1, 3, 7)] * 3]


def test_reset_waits_for_a_quiet_bus(clocked):
    dut = SoftReset()
    seen = []

    def step(ctx, cycle):
        ctx.set(dut.clear, cycle == 2)
        ctx.set(dut.quiet, cycle < 3 or cycle >= 8)
        seen.append((ctx.get(dut.halt), ctx.get(dut.reset), ctx.get(dut.busy)))
        return cycle == 11

    clocked(dut, step, 20)
    assert seen == [(0, 0, 0)] * 3 + [(1, 0, 1)] * 6 + [(0, 1, 1)] * 2 + [(0, 0, 0)]


def test_token_list_reads_old_and_writes_new(clocked):
    dut = TokenList(load_engine("micro", max_tokens=12), readers=3)
    content = {}

    def step(ctx, cycle):
        index = cycle % 12
        for reader in range(3):
            place = (index + reader) % 12
            ctx.set(dut.index[reader], place)
            if place in content:
                assert ctx.get(dut.value[reader]) == content[place]
        ctx.set(dut.write, 1)
        ctx.set(dut.write_index, index)
        ctx.set(dut.write_value, (5 * cycle) % 12)
        content[index] = (5 * cycle) % 12
        return cycle == 40

    clocked(dut, step, 50)
