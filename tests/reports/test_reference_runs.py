"""Our figures on the reference network: priced as any run is, marked, and as the document says."""

from pathlib import Path

import pytest

from bench.energy_peers_text import PROSPERITY_MHZ, TECHNOLOGY, block_text, prosperity
from reports.engine_size import memory_bits, register_bits
from reports.peers import OURS, reference_rows
from reports.reference_runs import ReferenceRun, ReferenceRuns, load_reference_runs
from reports.technology import load_technology

DOCUMENT = Path(__file__).parents[2] / "docs" / "energy.md"
ASIC = load_technology(TECHNOLOGY)


@pytest.fixture(scope="module")
def stored():
    return load_reference_runs()


def test_energy_and_rate_by_hand():
    run = ReferenceRun("small one", {"clusters": 2, "attention_units": 2},
                       {"dma_read_beats": 300, "cycles": 2_000}, "hash")  # fmt: skip
    runs = ReferenceRuns("net", "hash", 3.7, 0.9, 0.7, "a note", 2, (run,))
    point = runs.priced(run, ASIC, 500)
    assert point.engine.clusters == 2
    assert point.engine.lanes == 8  # of `large`
    assert point.fps == pytest.approx(500e6 / 1_000)
    assert point.joule_of("external memory") == pytest.approx(150 * 128 * 12.45e-12)
    leakage = memory_bits(point.engine) * 42.39e-9 + register_bits(point.engine) * 5.328e-9
    assert point.static.joule == pytest.approx(leakage * 1_000 * 2e-9)
    low, high = point.joule_at_ends()
    assert low < point.joule < high
    slow = runs.priced(run, ASIC, 250)
    assert slow.static.joule == pytest.approx(2 * point.static.joule)
    assert slow.joule - slow.static.joule == pytest.approx(point.joule - point.static.joule)


def test_the_document_is_what_its_command_writes(stored):
    text = DOCUMENT.read_text()
    start = text.index("\n", text.index("<!-- peers: begin")) + 1
    end = text.index("<!-- peers: end")
    assert text[start:end].strip() == block_text(stored).strip(), (
        "run python -m bench.energy_peers --write-docs"
    )


def test_below_prosperity_at_its_clock_in_the_same_kind_of_technology(stored):
    assert stored.weight_sparsity == 0.939
    assert stored.keep_ratio == 0.7
    points = [stored.priced(run, ASIC, PROSPERITY_MHZ) for run in stored.runs]
    alike = [point for point in points if _adders(point.engine) == 128]
    best = min(alike, key=lambda point: point.joule)
    assert best.joule * 1e3 < prosperity()["millijoule"]
    assert best.fps > prosperity()["fps"]


def _adders(engine):
    return engine.clusters * engine.lanes * engine.time_steps


def test_every_row_of_ours_is_marked_and_says_what_the_network_is():
    rows = reference_rows()
    assert len(rows) >= 3
    for row in rows:
        assert str(row["system"]).startswith(OURS)
        assert row["fps_mark"] == row["millijoule_mark"] == "D"
        assert row["formula"]
        assert "MHz" in row["platform"]
        assert "random ticket, not trained" in row["network"]
        assert 0 < row["dynamic_millijoule"] < row["millijoule"]
