"""Energy: hand cases, additivity, and refusal of anything the table does not price."""

import numpy as np
import pandas as pd
import pytest

from reports.energy import energy, energy_by, event_prices, total_joule
from reports.event_bits import event_bits
from reports.technology import load_technology
from sparsespike.contract.config import load_engine
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.errors import ContractError

ENGINE = load_engine("small")
TABLE = load_technology("horowitz-45nm")


def _frame(**counts):
    rows = [("conv0", name, count) for name, count in counts.items()]
    return pd.DataFrame(rows, columns=["layer", "counter", "count"])


def _random_frame(seed=7, layers=6):
    rng = np.random.default_rng(seed)
    rows = [
        (f"layer{i}", name, int(rng.integers(0, 1 << 40)))
        for i in range(layers)
        for name in COUNTERS
    ]
    return pd.DataFrame(rows, columns=["layer", "counter", "count"])


@pytest.mark.parametrize(
    ("counter", "count", "picojoule"),
    [
        ("additions", 1_000, 1_000 * 24 * 0.1 / 32),
        ("dma_read_beats", 10, 10 * 64 * 12.45),
        ("weights_read", 8, 8 * 8 * 10 / 64),
        ("mask_words_read", 4, 4 * 16 * 10 / 64),
        ("rows_written", 3, 3 * (8 * 4) * 5 * 20 / 64),
        ("attention_updates", 2, 2 * (64 * 4 * 7) * 20.2 / 64),
        ("cycles", 1_000_000, 0.0),
    ],
)
def test_hand_cases(counter, count, picojoule):
    priced = energy(_frame(**{counter: count}), engine=ENGINE, technology=TABLE)
    assert priced["energy_pj"].tolist() == pytest.approx([picojoule])


def test_parts_equal_total():
    priced = energy(_random_frame(), engine=ENGINE, technology=TABLE)
    total = total_joule(priced)
    assert total > 0
    for column in ("layer", "counter"):
        parts = energy_by(priced, column)
        assert len(parts) == priced[column].nunique()
        assert parts["energy_pj"].sum() * 1e-12 == pytest.approx(total, rel=1e-12)


def test_twice_the_counts_cost_twice_the_energy():
    frame = _random_frame()
    once = energy(frame, engine=ENGINE, technology=TABLE)
    twice = energy(frame.assign(count=2 * frame["count"]), engine=ENGINE, technology=TABLE)
    assert total_joule(twice) == 2 * total_joule(once)


def test_input_frame_is_untouched_and_other_columns_are_kept():
    frame = _random_frame().assign(run="a")
    before = frame.copy()
    priced = energy(frame, engine=ENGINE, technology=TABLE)
    pd.testing.assert_frame_equal(frame, before)
    assert set(priced["run"]) == {"a"}


def test_a_wider_accumulator_makes_an_addition_dearer():
    wide = load_engine("small", accumulator_bits=30)
    expected = event_prices(ENGINE, TABLE)["additions"] * 30 / 24
    assert event_prices(wide, TABLE)["additions"] == pytest.approx(expected)


def test_every_counter_has_a_width_and_a_price():
    assert tuple(event_bits(ENGINE)) == COUNTERS
    assert set(event_prices(ENGINE, TABLE)) == set(COUNTERS)


@pytest.mark.parametrize(
    ("frame", "word"),
    [
        (_frame(flops=1), "flops"),
        (_frame(additions=1).drop(columns="count"), "count"),
        (_frame(additions=-1), "negative"),
        (_frame(additions=1.5), "integer"),
    ],
)
def test_bad_counter_frames_are_refused(frame, word):
    with pytest.raises(ContractError, match=word):
        energy(frame, engine=ENGINE, technology=TABLE)
