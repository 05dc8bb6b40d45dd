"""docs/performance.md: every point once, tickets named as such, the RTL's verdict as it is."""

import json

import pandas as pd
import pytest

from bench import performance
from bench.performance_points import Measured
from bench.performance_tables import shape, tables
from sparsespike.contract.config import load_engine

MEASURED = Measured(1e5, 6e4, 20.5, 0.5, 0.55, 5e4, 7e4)
BOUNDS = pd.DataFrame(
    {
        "layer": ["conv0", "head"],
        "cycles": [1200.0, 900.0],
        "bound": [1000.0, 300.0],
        "limit": ["matches", "memory"],
        "ratio": [1.2, 3.0],
        "work_ratio": [1.2, 3.0],
        "memory": [10.0, 300.0],
        "idle": [0.01, 0.5],
    }
)
RTL = {
    "network": "spikformer-4-384",
    "bit_exact": True,
    "cycle_exact": False,
    "rtl_cycles": 1000,
    "rtl_cpu_seconds": 2.0,
    "rtl_wall_seconds": 4.0,
    "rtl_build_seconds": 60.0,
    "sim_cpu_seconds": 0.25,
    "first_mismatch": "conv1 cycles",
}


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(performance, "measured", lambda point: MEASURED)
    monkeypatch.setattr(performance, "bounds", lambda point: BOUNDS)
    speed = [{"frames": 4, "seconds": 0.5, "peak_gib": 0.75}]
    monkeypatch.setattr(performance, "simulator_speed", lambda: speed)
    monkeypatch.setattr(performance, "RTL_FILE", tmp_path / "rtl.json")
    (tmp_path / "rtl.json").write_text(json.dumps(RTL))
    assert performance.main(["--out", str(tmp_path / "page.md")]) == 0
    return (tmp_path / "page.md").read_text()


def test_page_says_what_was_simulated(page):
    assert "weights are random tickets" in page
    assert "| 93.9 % | 0.7 | 100,000 | 60,000 | 50.0% | 55.0% | 50,000 | 70,000 | 20.5 |" in page
    assert page.count("*Source: `python -m bench.performance`*") == len(tables()) + 1


def test_the_simulators_speed_is_told_by_frames(page):
    assert "| 4 | 0.50 | 8.0 | 0.75 |" in page


def test_layers_far_above_their_bound_are_named(page):
    assert "| conv0 | 1,200 | 1,000 | matches | 1.20 | 1.20 | 10 | 1.0% |" in page
    assert "without broadcasts: `head`." in page.replace("\n", " ")


def test_a_difference_is_shown(page):
    assert "| values of RTL, simulator and integer network | equal in all |" in page
    assert "| cycles and counters of RTL and simulator, every layer | NOT equal |" in page
    assert "First difference: conv1 cycles" in page
    assert "| Verilator, cycles a processor second | 500 |" in page


def test_rtl_and_simulator_are_compared_by_processor_time(page):
    assert "| Verilator / simulator, processor seconds a frame | 8 |" in page


@pytest.mark.parametrize("chunk", [16, 32, 64])
def test_engines_of_other_shapes_are_like_large(chunk):
    large, other = load_engine("large"), load_engine("large", **shape(4, 8, chunk))
    assert (other.clusters, other.lanes, other.attention_units) == (4, 8, 4)
    assert other.mask_depth * chunk == large.mask_depth * large.chunk
    assert other.spike_depth * chunk >= large.spike_depth * large.chunk
