"""Energy: hand cases, additivity, and refusal of anything the table does not price."""

import numpy as np
import pandas as pd
import pytest

from reports.energy import energy, energy_by, event_prices, static_energy, total_joule
from reports.engine_size import memory_bits, register_bits
from reports.event_bits import event_bits
from reports.technology import load_technology, technologies
from sparsespike.contract.config import load_engine
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.errors import ContractError

SIZES = {"accumulator_bits": 24, "membrane_bits": 32, "head_slots": 64, "attention_depth": 64}
ENGINE = load_engine("small", **SIZES)
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
        ("mask_words_read", 4, 4 * (16 + 11) * 10 / 64),  # with an offset of 11 bits
        ("queue_entries", 2, 2 * (64 + 16 + 16 + 11 + 5) * 20 / 64),
        ("rows_written", 3, 3 * (8 * 4) * 5 * 20 / 64),
        ("attention_updates", 2, 2 * (64 * 7) * 20.2 / 64),
    ],
)
def test_hand_cases(counter, count, picojoule):
    priced = energy(_frame(**{counter: count}), engine=ENGINE, technology=TABLE)
    assert priced["energy_pj"].tolist() == pytest.approx([picojoule])


def test_clock_and_leakage_by_hand():
    priced = energy(_frame(cycles=1_000), engine=ENGINE, technology=TABLE).set_index("counter")
    clock = 1_000 * register_bits(ENGINE) * 0.0005706
    assert priced.at["clock", "energy_pj"] == pytest.approx(clock)
    assert priced.at["clock", "kind"] == "dynamic"
    # 24.05 nW a bit for 1,000 cycles of 10 ns
    leakage = memory_bits(ENGINE) * 24.05e-9 * 1_000 * 10e-9 * 1e12
    assert priced.at["memory_leakage", "energy_pj"] == pytest.approx(leakage)
    assert priced.at["memory_leakage", "kind"] == "static"
    assert priced.at["cycles", "energy_pj"] == 0


@pytest.mark.parametrize("name", ["asic-28nm", "horowitz-45nm"])
def test_the_interval_of_memory_leakage_by_hand(name):
    table = load_technology(name)
    cost = table.standing["memory_leakage"]
    assert cost.highest == pytest.approx(5_753.35 / 65_536, rel=1e-3)  # 8 KB, itrs-hp
    assert cost.lowest == pytest.approx(
        cost.microwatt * (2.4e-10 * 1.0) / (1.65e-7 * 0.6), rel=1e-3
    )
    priced = energy(_frame(cycles=1_000), engine=ENGINE, technology=table)
    static = static_energy(priced, table)
    parts = priced.set_index("counter")["energy_pj"]
    fixed = parts["register_leakage"]
    assert static.joule == pytest.approx((fixed + parts["memory_leakage"]) * 1e-12)
    for end, microwatt in ((static.lowest, cost.lowest), (static.highest, cost.highest)):
        leakage = memory_bits(ENGINE) * microwatt / ENGINE.clock_mhz * 1_000
        assert end == pytest.approx((fixed + leakage) * 1e-12)


def test_a_table_without_an_interval_has_none():
    table = load_technology("fpga-28nm")
    static = static_energy(energy(_frame(cycles=9), engine=ENGINE, technology=table), table)
    assert static.lowest == static.joule == static.highest


def test_static_energy_is_paid_by_time_and_dynamic_by_cycles():
    slow = load_engine("small", **SIZES, clock_mhz=50.0)
    for kind, factor in (("static", 2), ("dynamic", 1)):
        both = [
            energy(_random_frame(), engine=engine, technology=TABLE).query(f"kind == '{kind}'")
            for engine in (slow, ENGINE)
        ]
        assert total_joule(both[0]) == pytest.approx(factor * total_joule(both[1]))


ENTRIES = [
    (name, group, entry)
    for name in technologies()
    for group in ("events", "standing")
    for entry in getattr(load_technology(name), group)
]


@pytest.mark.parametrize("name, group, entry", ENTRIES)
def test_twice_an_entry_is_twice_its_share_and_nothing_else(name, group, entry):
    table = load_technology(name)
    cost = getattr(table, group)[entry]
    field = "microwatt" if getattr(cost, "microwatt", None) is not None else "picojoule"
    doubled = cost.model_copy(update={field: 2 * getattr(cost, field)})
    changed = table.model_copy(update={group: getattr(table, group) | {entry: doubled}})
    frame = _random_frame()
    once = energy(frame, engine=ENGINE, technology=table)
    twice = energy(frame, engine=ENGINE, technology=changed)
    own = once["counter"] == entry
    assert own.any()
    assert (once.loc[own, "energy_pj"] > 0).all()
    assert (twice.loc[own, "energy_pj"] == 2 * once.loc[own, "energy_pj"]).all()
    pd.testing.assert_frame_equal(once[~own], twice[~own])


def test_parts_equal_total():
    priced = energy(_random_frame(), engine=ENGINE, technology=TABLE)
    total = total_joule(priced)
    assert total > 0
    for column in ("layer", "counter", "component", "kind"):
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
    wide = load_engine("small", **SIZES | {"accumulator_bits": 30})
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
