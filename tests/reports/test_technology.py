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
    for cost in table.events.values():
        assert cost.source


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
