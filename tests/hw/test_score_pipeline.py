"""ScorePipeline against contract.numeric and hand cases, six cycles later."""

import random

import pytest

from hw.score_pipeline import ScorePipeline
from sparsespike.contract.numeric import gelu_table, requantize

LATENCY = 6
HAND = {  # shift: (hidden, multiplier, weight, score)
    0: [
        (16, 1, 3, 13 * 3),  # GELU(1) = 0.84 -> 13 / 16
        (-(10**6), 100, 5, 0),  # clamped to -128: GELU(-8) = 0
        (10**6, 1, -128, 127 * -128),
    ],
    1: [(1, 1, 16, 16), (-1, 1, 16, 0)],  # a half rounds up: to 1, to 0; GELU(1 / 16) -> 1 / 16
}


@pytest.mark.parametrize("shift", [0, 1, 7, 18, 31])
def test_scores(clocked, shift):
    rng = random.Random(shift)
    dut = ScorePipeline(hidden_bits=27)
    table = gelu_table().tolist()
    expected = []
    hand = HAND.get(shift, [])

    def step(ctx, cycle):
        if cycle >= LATENCY:
            assert ctx.get(dut.o) == expected[cycle - LATENCY], cycle
        if cycle < len(hand):
            hidden, multiplier, weight, score = hand[cycle]
        else:
            hidden = rng.randrange(-(2 ** rng.randrange(1, 27)), 2 ** rng.randrange(1, 27))
            multiplier, weight = rng.randrange(1 << 15), rng.randrange(-128, 128)
            score = table[int(requantize(hidden, multiplier, shift)) & 0xFF] * weight
        ctx.set(dut.hidden, hidden)
        ctx.set(dut.multiplier, multiplier)
        ctx.set(dut.shift, shift)
        ctx.set(dut.weight, weight)
        expected.append(score)
        return cycle == 200

    clocked(dut, step, 201)
    assert any(expected)
