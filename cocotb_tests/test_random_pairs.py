# ruff: noqa: D103
"""Random networks on random engines: all three machines agree, values, cycles and counters."""

import pytest

from cocotb_tests.random_engines import SMALL
from cocotb_tests.random_pairs import case_of, describe, engine_of, run_engine

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


def test_a_pair_can_be_drawn_again():
    engine = engine_of(SEED, 0, size=SMALL)
    assert engine == engine_of(SEED, 0, size=SMALL)
    first, again = (case_of(engine, SEED, 0, 3).program.hash for _ in range(2))
    assert first == again
    assert first != case_of(engine, SEED, 0, 4).program.hash
