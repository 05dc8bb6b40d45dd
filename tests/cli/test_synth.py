"""`synth`: counts by block, a null Fmax where nothing can place, one line for what is wrong."""

import json

import pytest

from hw.flow import route, synthesis
from hw.flow.counting import Count
from hw.flow.route import CriticalPath, Route


@pytest.fixture
def tools(monkeypatch):
    """Yosys and nextpnr that answer at once; the list of the seeds that were placed."""
    placed = []

    def batch(modules, names, target):
        return {name: Count(lut=2.0, ff=1.0) for name in names}

    def place(verilog, top, target, *, seeds, clock_mhz, cache, progress):
        assert "module serial_harness" in verilog
        placed.append((target.name, seeds, clock_mhz))
        path = CriticalPath(
            start="a", end="b", blocks=["lane"], logic_ns=4.0, routing_ns=6.0, levels=7
        )
        return [
            Route(seed=seed, fmax_mhz=90.0 + seed, utilization={"lut": (30, 60)}, path=path)
            for seed in range(1, seeds + 1)
        ]

    monkeypatch.setattr(synthesis, "_synthesize_batch", batch)
    monkeypatch.setattr(route, "place_and_route", place)
    return placed


SMALLEST = """clusters = 1
lanes = 2
chunk = 4
time_steps = 1
head_slots = 4
attention_depth = 4
max_tokens = 8
"""


def synth(run, tmp_path, *words):
    (tmp_path / "mine.toml").write_text(SMALLEST)
    outcome = run(
        *("synth", "--engine", tmp_path / "mine.toml", "--build-dir", tmp_path / "build"),
        *("--json", tmp_path / "out.json", *words),
    )
    assert outcome.code == 0, outcome.err
    return json.loads((tmp_path / "out.json").read_text()), outcome.out


def test_xilinx_has_resources_and_no_fmax(run, tmp_path, tools):
    result, text = synth(run, tmp_path, "--target", "xc7", "--seeds", "3")
    assert tools == []
    assert result["target"] == "xc7"
    assert result["fmax_mhz"] is None
    assert (result["lut_inputs"], result["bram_kbit"]) == (6, 36.0)
    assert result["lut"] == 2 * result["ff"] == sum(block["lut"] for block in result["blocks"])
    (lane,) = [block for block in result["blocks"] if block["name"] == "lane"]
    assert lane["instances"] == 2
    assert result["lut_per_lane"] == lane["lut"] / 2
    assert len(result["meta"]["config_hash"]) == 64
    assert "LUTs of 6 inputs" in text
    assert "Fmax: not known" in text


def test_ecp5_has_the_median_of_its_seeds(run, tmp_path, tools):
    result, text = synth(run, tmp_path, "--target", "ecp5-85k", "--seeds", "3")
    assert tools == [("ecp5-85k", 3, 100.0)]
    assert (result["fmax_mhz"], result["fmax_best_mhz"]) == (92.0, 93.0)
    assert [row["fmax_mhz"] for row in result["seeds"]] == [91.0, 92.0, 93.0]
    assert result["utilization"] == {"lut": {"used": 30, "available": 60}}
    assert result["critical_path"]["blocks"] == ["lane"]
    assert "92.0 MHz (median of 3 seeds), best 93.0 MHz" in text
    assert "lut: 30 of 60 (50%)" in text


def test_no_seed_means_no_placement(run, tmp_path, tools):
    result, _ = synth(run, tmp_path, "--target", "ecp5-25k", "--seeds", "0")
    assert tools == []
    assert result["fmax_mhz"] is None


@pytest.mark.parametrize(
    "words, expected",
    [
        (["--target", "xc6"], ["'xc6'", "ecp5-85k", "choose"]),
        (["--seeds", "-1"], ["--seeds -1", "at least 0"]),
        (["--seeds", "many"], ["'many'"]),
        (["--build-dir", "/dev/null/x"], ["--build-dir"]),
    ],
)
def test_bad_input_is_one_line(refused, words, expected):
    refused(["synth", "--engine", "micro", *words], expected)
