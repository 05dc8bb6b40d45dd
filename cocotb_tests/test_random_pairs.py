# ruff: noqa: D103
"""Random networks on random engines: all three machines agree, values, cycles and counters."""

import pytest

from cocotb_tests.pairs import FIRING_LIMITS, case_of, describe, engine_of, firing_rates
from cocotb_tests.random_engines import SMALL
from cocotb_tests.random_pairs import run_engine

SEED = 7
ENGINES = 6
PAIRS = 6


@pytest.mark.parametrize("number", range(ENGINES))
def test_random_pairs(number):
    engine = engine_of(SEED, number, size=SMALL)
    cases = [case_of(engine, SEED, number, pair) for pair in range(PAIRS)]
    results = run_engine(engine, cases)
    wrong = {i: pair.text for i, pair in enumerate(results) if not pair.cycle_exact}
    assert not wrong, describe(engine)
    assert all(pair.bit_exact for pair in results), describe(engine)


def test_nearly_all_pairs_fire_in_every_layer():
    low, high = FIRING_LIMITS
    pairs = [(number, pair) for number in range(ENGINES) for pair in range(PAIRS)]
    alive = 0
    for number, pair in pairs:
        rates = firing_rates(case_of(engine_of(SEED, number, size=SMALL), SEED, number, pair))
        alive += all(low <= rate <= high for rate in rates.values())
    assert alive >= 0.9 * len(pairs)


def test_a_pair_can_be_drawn_again():
    engine = engine_of(SEED, 0, size=SMALL)
    assert engine == engine_of(SEED, 0, size=SMALL)
    first, again = (case_of(engine, SEED, 0, 3).program.hash for _ in range(2))
    assert first == again
    assert first != case_of(engine, SEED, 0, 4).program.hash
