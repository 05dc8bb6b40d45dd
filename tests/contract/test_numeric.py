"""Integer rules against hand cases and exact fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest

from sparsespike.contract import numeric


def exact_lif(currents: list[Fraction], threshold: Fraction) -> list[int]:
    """h = (v + i) / 2, spike at h >= threshold, hard reset, in exact fractions."""
    membrane, spikes = Fraction(0), []
    for current in currents:
        charged = (membrane + current) / 2
        fired = charged >= threshold
        spikes.append(int(fired))
        membrane = Fraction(0) if fired else charged
    return spikes


def test_threshold_and_lif_are_exact_on_20000_random_cases():
    rng = np.random.default_rng(0)
    cases, mismatches = 20_000, 0
    for _ in range(cases):
        steps = int(rng.choice([1, 2, 3, 4, 8, 16]))
        scale = float(rng.choice([2.0 ** -int(rng.integers(0, 9)), 10 ** rng.uniform(-4, 0.5)]))
        wanted = Fraction(1) / Fraction(scale)
        level = max(1, int(wanted))
        sums = rng.integers(-level, 3 * level + 2, steps)
        threshold = numeric.lif_threshold(scale, steps)
        assert (threshold - 1) * Fraction(scale) < 2**steps <= threshold * Fraction(scale)
        given = numeric.lif_integer(sums, threshold).tolist()
        mismatches += given != exact_lif([Fraction(scale) * int(s) for s in sums], Fraction(1))
    assert mismatches == 0


@pytest.mark.parametrize(
    "scale, steps, level, expected",
    [
        (0.125, 4, 0.5, 64),
        (0.25, 16, 0.5, 2**17),
        (Fraction(1, 3), 4, 1, 48),
        (1.0, 1, 1, 2),
        (0.3, 2, 1, 14),
    ],
)
def test_threshold_by_hand(scale, steps, level, expected):
    assert numeric.lif_threshold(scale, steps, level) == expected


def test_threshold_refuses_a_scale_that_is_not_positive():
    with pytest.raises(ValueError, match="scale must be positive, not 0"):
        numeric.lif_threshold(0.0, 4)


def test_lif_by_hand():
    # threshold 2 * scale 1, T = 2: h1 = 2 / 2 = 1 < 2, h2 = (1 + 3) / 2 = 2 fires.
    threshold = numeric.lif_threshold(0.5, 2)
    assert numeric.lif_integer(np.array([2, 3]), threshold).tolist() == [0, 1]
    assert numeric.lif_integer(np.array([2, 2]), threshold).tolist() == [0, 0]
    assert numeric.lif_integer(np.array([4, 3]), threshold).tolist() == [1, 0]


@pytest.mark.parametrize(
    "value, multiplier, shift, expected",
    [
        (5, 1, 1, 3),
        (-5, 1, 1, -2),
        (3, 7, 0, 21),
        (1000, 1, 0, 127),
        (-1000, 1, 0, -128),
        (100, 16384, 14, 100),
        (-1, 1, 2, 0),
        (-3, 1, 2, -1),
        (-2, 1, 2, 0),
    ],
)
def test_requantize_by_hand(value, multiplier, shift, expected):
    assert numeric.requantize(value, multiplier, shift) == expected
    exact = math.floor(Fraction(value * multiplier, 2**shift) + (Fraction(1, 2) if shift else 0))
    assert expected == max(-128, min(127, exact))


def test_gelu_table_is_the_rounded_gelu():
    table = numeric.gelu_table()
    assert table.shape == (256,)
    assert table.dtype == np.int8
    for q in range(-128, 128):
        x = q / 16
        assert table[q & 0xFF] == round(16 * x * 0.5 * math.erfc(-x / math.sqrt(2)))
    assert [table[q & 0xFF] for q in (0, 16, -16, 127, -128)] == [0, 13, -3, 127, 0]


def test_selector_score_is_the_sum_over_channels():
    hidden = np.array([[16, -16], [127, 0]])
    score = numeric.selector_score(hidden, np.array([1, 1]), 0, np.array([2, -5], np.int8))
    assert score.tolist() == [2 * 13 - 5 * -3, 2 * 127]


def test_topk_prefers_the_lower_index_and_ascends():
    assert numeric.topk_keep(np.array([3, 9, 9, 1, 9]), 2).tolist() == [1, 2]
    assert numeric.topk_keep(np.array([5, 5, 5]), 1).tolist() == [0]
    assert numeric.topk_keep(np.array([-7, -9, 0]), 3).tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match=r"k must be in 1\.\.3, not 4"):
        numeric.topk_keep(np.array([1, 2, 3]), 4)


@pytest.mark.parametrize("size, after", [(32, 16), (7, 4), (1, 1), (2, 1), (3, 2)])
def test_pool_size(size, after):
    assert numeric.pool_size(size) == after


@pytest.mark.parametrize(
    "low, high, bits",
    [(0, 0, 1), (-1, 0, 1), (-128, 127, 8), (-129, 0, 9), (0, 128, 9), (-1, 1, 2)],
)
def test_signed_bits(low, high, bits):
    assert numeric.signed_bits(low, high) == bits


def test_unsigned_bits():
    assert [numeric.unsigned_bits(n) for n in (0, 1, 2, 255, 256)] == [1, 1, 2, 8, 9]


def test_bounds_hold_and_are_reached():
    weight = np.array([[3, -2], [-5, 0]], np.int8)
    assert numeric.accumulator_bounds(weight, np.array([10, -1]), 2) == (-11, 16)
    assert numeric.membrane_bounds(-11, 16, 4) == (-165, 240)
    assert numeric.residual_max(4) == 10
