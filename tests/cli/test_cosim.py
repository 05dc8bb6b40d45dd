"""`cosim` shows, writes and judges what the co-simulation found (the RTL itself is stubbed)."""

import json
from dataclasses import replace

import pytest

import cocotb_tests.cosim as cosim_module
from cocotb_tests.cosim import CosimResult, LayerResult
from cocotb_tests.runner import RtlRunError
from cocotb_tests.tools import ToolMissingError

LAYER = LayerResult(
    name="conv0",
    mismatches=0,
    mismatches_rtl=0,
    mismatches_sim=0,
    cycles_rtl=2468,
    cycles_sim=2468,
    counters_equal=True,
)
GOOD = CosimResult(
    simulator="verilator",
    bit_exact=True,
    cycle_exact=True,
    layers=(LAYER,),
    logits_rtl=[[1, 9, 3]],
    logits_sim=[[1, 9, 3]],
    logits_golden=[[1, 9, 3]],
    kept_rtl={},
    kept_golden={},
    rtl_cycles=2468,
    rtl_wall_seconds=1.5,
    rtl_cpu_seconds=1.4,
    rtl_build_seconds=20.0,
    sim_wall_seconds=0.1,
    first_mismatch="",
)
WORDS = ("cosim", "--network", "tiny", "--engine", "micro", "--images", "1")
PROMISED = {
    "bit_exact",
    "cycle_exact",
    "simulator",
    "layers",
    "logits_rtl",
    "logits_sim",
    "logits_golden",
    "rtl_cycles",
    "rtl_wall_seconds",
    "rtl_build_seconds",
    "sim_wall_seconds",
    "meta",
}


@pytest.fixture
def found(monkeypatch):
    """A function that makes the co-simulation return (or raise) what it is given."""

    def _found(result):
        def run_cosim(*_, **options):
            calls.append(options)
            if isinstance(result, Exception):
                raise result
            return result

        monkeypatch.setattr(cosim_module, "run_cosim", run_cosim)
        return calls

    calls = []
    return _found


def test_an_exact_run_is_0(run, found, tmp_path):
    found(GOOD)
    outcome = run(*WORDS, "--json", tmp_path / "cosim.json")
    assert outcome.code == 0, outcome
    assert "2,468" in outcome.out
    assert "classes: 1\n" in outcome.out
    assert "bit-exact: yes" in outcome.out
    result = json.loads((tmp_path / "cosim.json").read_text())
    assert set(result) >= PROMISED
    layer = {"name": "conv0", "mismatches": 0, "cycles_rtl": 2468, "cycles_sim": 2468}
    assert result["layers"][0].items() >= layer.items()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bit_exact": False, "first_mismatch": "image 0, conv0: spike"}, ["bit-exact: NO"]),
        ({"cycle_exact": False}, ["cycle-exact: NO"]),
        ({"bit_exact": False, "logits_rtl": [[1, 2, 3]]}, ["DIFFER"]),
        (
            {"bit_exact": False, "layers": (replace(LAYER, mismatches=7, counters_equal=False),)},
            ["7", "DIFFER"],
        ),
    ],
)
def test_a_difference_is_1(run, found, tmp_path, change, words):
    found(replace(GOOD, **change))
    outcome = run(*WORDS, "--json", tmp_path / "cosim.json")
    assert outcome.code == 1
    for word in words:
        assert word in outcome.out
    assert (tmp_path / "cosim.json").exists()


def test_the_first_mismatch_is_shown(run, found):
    found(replace(GOOD, bit_exact=False, first_mismatch="image 0, conv0: spike at token 3"))
    assert "first mismatch: image 0, conv0: spike at token 3" in run(*WORDS).out


def test_options_reach_the_simulation(run, found, tmp_path):
    calls = found(GOOD)
    words = ("--simulator", "icarus", "--waves", "--build-dir", tmp_path / "rtl")
    assert run(*WORDS, *words).code == 0
    assert calls == [{"simulator": "icarus", "waves": True, "build_dir": tmp_path / "rtl"}]


def test_a_missing_tool_is_bad_input(found, refused):
    found(ToolMissingError("iverilog is not installed; apt-get install iverilog"))
    refused(WORDS, ["iverilog", "apt-get", "doctor"])


def test_a_failed_simulation_is_1(run, found):
    found(RtlRunError("the simulation ended without results; see run.log"))
    outcome = run(*WORDS)
    assert outcome.code == 1
    assert outcome.err.startswith("error: the simulation ended")
