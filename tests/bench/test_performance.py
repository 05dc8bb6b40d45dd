"""docs/performance.md: every point once, tickets named as such, the RTL's verdict as it is."""

import json

import pytest

from bench import performance
from bench.performance_points import Measured
from sparsespike.contract.config import load_engine

MEASURED = Measured(1e5, 6e4, 20.5, 0.5, 5e4, 7e4, 4.0)
RTL = {
    "network": "spikformer-4-384",
    "bit_exact": True,
    "cycle_exact": False,
    "rtl_cycles": 1000,
    "rtl_cpu_seconds": 2.0,
    "rtl_wall_seconds": 4.0,
    "rtl_build_seconds": 60.0,
    "sim_wall_seconds": 0.25,
    "first_mismatch": "conv1 cycles",
}


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(performance, "measured", lambda point: MEASURED)
    monkeypatch.setattr(performance, "RTL_FILE", tmp_path / "rtl.json")
    (tmp_path / "rtl.json").write_text(json.dumps(RTL))
    assert performance.main(["--out", str(tmp_path / "page.md")]) == 0
    return (tmp_path / "page.md").read_text()


def test_page_says_what_was_simulated(page):
    assert "weights are random tickets" in page
    assert "| 93.9 % | 0.7 | 100,000 | 60,000 | 50.0% | 50,000 | 70,000 | 20.5 |" in page
    assert page.count("*Source: `python -m bench.performance`*") == len(performance._tables())


def test_a_difference_is_shown(page):
    assert "| values of RTL, simulator and integer network | equal in all |" in page
    assert "| cycles and counters of RTL and simulator, every layer | NOT equal |" in page
    assert "First difference: conv1 cycles" in page
    assert "| Verilator, cycles a processor second | 500 |" in page


@pytest.mark.parametrize("chunk", [16, 32, 64])
def test_engines_of_other_shapes_are_like_large(chunk):
    large, other = load_engine("large"), load_engine("large", **performance._shape(4, 8, chunk))
    assert (other.clusters, other.lanes, other.attention_units) == (4, 8, 4)
    assert other.mask_depth * chunk == large.mask_depth * large.chunk
    assert other.spike_depth * chunk >= large.spike_depth * large.chunk
