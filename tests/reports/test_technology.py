"""Technology tables: what ships is complete, and what is wrong is refused by name."""

from pathlib import Path

import pytest

import reports.technology
from reports.technology import load_technology, technologies
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.errors import ContractError

SHIPPED = Path(reports.technology.__file__).parent / "technology" / "horowitz-45nm.toml"


@pytest.fixture
def edited(tmp_path):
    def edit(old, new):
        text = SHIPPED.read_text()
        assert text.count(old) >= 1
        path = tmp_path / "mine.toml"
        path.write_text(text.replace(old, new, 1))
        return path

    return edit


@pytest.mark.parametrize("name", technologies())
def test_shipped_tables_price_or_explain_every_counter(name):
    table = load_technology(name)
    assert table.name == name
    assert table.events.keys() | table.unpriced.keys() == set(COUNTERS)
    for cost in [*table.events.values(), *table.standing.values(), *table.operations.values()]:
        assert len(cost.source) > 20
        assert cost.mark in "VAND"
        assert cost.date[:4].isdigit()


@pytest.mark.parametrize("name", technologies())
def test_no_entry_goes_without_a_source(name, tmp_path):
    text = (SHIPPED.parent / f"{name}.toml").read_text()
    groups = ("[events.", "[standing.", "[operations.")
    entries = [index for index, line in enumerate(text.splitlines()) if line.startswith(groups)]
    table = load_technology(name)
    assert len(entries) == len(table.events) + len(table.standing) + len(table.operations)
    for start in entries:
        lines = text.splitlines()
        place = next(i for i in range(start, len(lines)) if lines[i].startswith("source"))
        del lines[place]
        path = tmp_path / "mine.toml"
        path.write_text("\n".join(lines))
        with pytest.raises(ContractError, match="source"):
            load_technology(path)


def test_what_an_entry_does_not_say_is_the_tables():
    table = load_technology("horowitz-45nm")
    assert table.events["additions"].node_nm == 45
    assert table.events["additions"].date == "2014-02"
    assert table.standing["clock"].node_nm == 40


SCALED = [
    # table, the one it is made from, factor of on-chip events, factor of the clock
    ("asic-28nm", "horowitz-45nm", 28 / 45, 28 / 40),
    ("ecp5", "fpga-28nm", 40 / 28 * 1.1**2, 40 / 28 * 1.1**2),
]


@pytest.mark.parametrize("name, origin, factor, clock", SCALED)
def test_scaled_tables_follow_their_rule(name, origin, factor, clock):
    table, source = load_technology(name), load_technology(origin)
    for entry, cost in table.events.items():
        old = source.events[entry]
        expected = old.picojoule * (1 if entry.startswith("dma") else factor)
        assert cost.picojoule == pytest.approx(expected, rel=1e-3)
        assert cost.bits == old.bits
    scaled = source.standing["clock"].picojoule * clock
    assert table.standing["clock"].picojoule == pytest.approx(scaled, rel=1e-3)


def test_fpga_prices_follow_from_the_published_report():
    table = load_technology("fpga-28nm")
    clock = 200e6
    assert table.events["weights_read"].picojoule == pytest.approx(
        0.844 / 312.5 / clock * 1e12, rel=2e-3
    )
    lut = (0.185 + 0.257) / 41_457 / clock * 1e12
    assert table.events["additions"].picojoule == pytest.approx(lut, rel=1e-2)
    register = (0.374 + 0.009) / 40_691 / clock * 1e12
    assert table.standing["clock"].picojoule == pytest.approx(register, rel=2e-3)
    assert table.standing["device_leakage"].microwatt == 688_000


def test_own_table_by_path(edited):
    table = load_technology(edited('name = "horowitz-45nm"', 'name = "mine"'))
    assert table.name == "mine"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[events.additions]", "[events.flops]", "flops"),
        ("[unpriced]", '[unpriced]\nadditions = "free"', "additions"),
        ('cycles = "', 'cycle = "', "cycle"),
        ("node_nm = 45", 'node_nm = "45"', "node_nm"),
        ("node_nm = 45", "", "node_nm"),
        ("voltage = 0.9", "voltage = -0.9", "voltage"),
        ("voltage = 0.9", "voltage = 0.9\ncorner = 1", "corner"),
        ('basis = "published"', 'basis = "guess"', "basis"),
        ("picojoule = 0.1", "picojoule = nan", "picojoule"),
        ("picojoule = 0.1", "picojoule = 0.0", "picojoule"),
        ("bits = 32", "bits = 0", "bits"),
        ("[unpriced]", "[unpriced", "TOML"),
        ('mark = "V"', 'mark = "W"', "mark"),
        ('mark = "V"', "", "mark"),
        ("microwatt = ", "picojoule = 1.0\nmicrowatt = ", "not both"),
        ("lowest = ", "lowest = 1.0 #", "between"),
        ("highest = ", "#", "interval needs"),
        ('per = "register_bit"', 'per = "chip"', "per"),
        ("[standing.clock]", "[standing.cycles]", "cycles"),
    ],
)
def test_a_wrong_table_is_refused_in_one_line(edited, old, new, words):
    path = edited(old, new)
    with pytest.raises(ContractError, match=words) as caught:
        load_technology(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value).strip()


def test_a_missing_entry_is_named(tmp_path):
    text = SHIPPED.read_text()
    start, end = text.index("[events.additions]"), text.index("[events.lif_updates]")
    path = tmp_path / "mine.toml"
    path.write_text(text[:start] + text[end:])
    with pytest.raises(ContractError, match="additions"):
        load_technology(path)


def test_unknown_name_lists_the_tables():
    with pytest.raises(ContractError, match="horowitz-45nm"):
        load_technology("tsmc-3nm")
