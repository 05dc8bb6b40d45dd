"""TopK: kept tokens of `numeric.topk_keep`, in the cycles of docs/engine.md, section 6."""

import random

import numpy as np
import pytest

from hw.top_k import TopK
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine
from sparsespike.contract.numeric import topk_keep


@pytest.mark.parametrize(
    ("tokens", "keep", "spread"),
    [(1, 1, 5), (8, 3, 0), (9, 9, 2), (16, 1, 1), (37, 20, 4), (64, 50, 1 << 31), (64, 64, 9)],
)
@pytest.mark.parametrize("use_list", [0, 1])
def test_kept_tokens_and_cycles(clocked, tokens, keep, spread, use_list):
    rng = random.Random(tokens + use_list)
    scores = [rng.randrange(-spread, spread) if spread else 7 for _ in range(tokens)]
    old = sorted(rng.sample(range(64), tokens))
    start = 3
    events, comparisons = _run(
        clocked, scores=scores, keep=keep, old=old, use_list=use_list, start=start
    )
    first = start + 1
    done = first + derived.topk_cycles(tokens) - 1
    events.remove((done, "done"))
    assert comparisons * derived.TOPK_WIDTH == derived.topk_comparisons(tokens)
    positions = topk_keep(np.array(scores), keep).tolist()
    compaction = done - tokens + 2
    expected = [(compaction + n, i, old[n] if use_list else n) for i, n in enumerate(positions)]
    assert events == expected


def _run(clocked, *, scores, keep, old, use_list, start):
    dut = TopK(load_engine("micro", max_tokens=64))
    events, comparing, asked = [], [], [0]

    def step(ctx, cycle):
        ctx.set(dut.start, cycle == start)
        ctx.set(dut.tokens, len(scores))
        ctx.set(dut.keep, keep)
        ctx.set(dut.use_list, use_list)
        place = asked[0]
        ctx.set(dut.score_value, scores[place] if place < len(scores) else 12345)
        index = ctx.get(dut.list_index)
        ctx.set(dut.list_value, old[index] if index < len(old) else 0)
        asked[0] = ctx.get(dut.score_position)
        comparing.append(ctx.get(dut.comparing))
        if ctx.get(dut.write.valid):
            events.append((cycle, ctx.get(dut.write.index), ctx.get(dut.write.value)))
        if ctx.get(dut.done):
            events.append((cycle, "done"))
        return (cycle - 1, "done") in events

    clocked(dut, step, 1000)
    return events, sum(comparing)


def test_runs_again(clocked):
    """A second selection starts from scratch."""
    dut = TopK(load_engine("micro", max_tokens=16))
    scores = [[3, 1, 2, 9], [1, 2, 9, 9]]
    again = 60
    asked, kept = [0], [[], []]

    def step(ctx, cycle):
        run = int(cycle >= again)
        ctx.set(dut.start, cycle in (0, again))
        ctx.set(dut.tokens, 4)
        ctx.set(dut.keep, 2)
        ctx.set(dut.score_value, scores[run][asked[0] % 4])
        asked[0] = ctx.get(dut.score_position)
        if ctx.get(dut.write.valid):
            kept[run].append((ctx.get(dut.write.index), ctx.get(dut.write.value)))
        return len(kept[1]) == 2

    clocked(dut, step, 200)
    assert kept == [[(0, 0), (1, 3)], [(0, 2), (1, 3)]]
