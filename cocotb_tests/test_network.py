# ruff: noqa: D103
"""Whole networks: golden model, simulator and RTL agree in every value, cycle and counter."""

import pytest

from cocotb_tests.case import prepare
from cocotb_tests.cosim import run_cases
from cocotb_tests.engine_run import run_frames
from cocotb_tests.runner import wave_path
from model import zoo
from sparsespike.compiler import compile_network
from sparsespike.compiler.dataflow import dataflow
from sparsespike.compiler.mapping import possible_splits
from sparsespike.contract.config import load_engine


def assert_exact(result):
    assert result.first_mismatch == ""
    assert result.bus_problems == ()
    assert result.bit_exact
    assert result.cycle_exact
    assert sum(layer.cycles_rtl for layer in result.layers) == result.rtl_cycles
    assert result.logits_rtl == result.logits_sim == result.logits_golden
    assert result.kept_rtl == result.kept_golden


def test_tiny_on_micro(tiny_case):
    (result,) = run_cases([tiny_case])
    assert_exact(result)
    assert all(layer.cycles_rtl > 0 for layer in result.layers)


def test_tiny_on_micro_with_icarus(tiny_case, icarus):
    (result,) = run_cases([tiny_case.pick([0])], simulator="icarus")
    assert_exact(result)


@pytest.mark.parametrize("nano_case", ["small", "micro"], indirect=True)
def test_nano(nano_case):
    (result,) = run_cases([nano_case])
    assert_exact(result)


def test_bands():
    """Layers in two bands, pooled ones with the rows that two bands share."""
    engine = load_engine("micro", clusters=6, lanes=2, attention_units=2)
    network = zoo.load_integer("tiny")
    flows = [flow for flow in dataflow(network.config) if 1 in possible_splits(engine, flow)]
    program = compile_network(network, engine, bands={flow.name: 2 for flow in flows})
    assert any(layer.descriptor.seam_lines for layer in program.layers)
    (result,) = run_cases([prepare(network, program, zoo.sample_images().images[:1, :8, :8])])
    assert_exact(result)


def test_one_engine_runs_images_in_any_order(tiny_case):
    """State that a frame leaves behind changes nothing: A, B, B, A."""
    (result,) = run_cases([tiny_case.pick([0, 1, 1, 0])])
    assert_exact(result)


@pytest.mark.parametrize("simulator", ["verilator", "icarus"])
def test_waves(tiny_case, simulator, request):
    """A waveform of the first cycles, in each simulator's own format."""
    if simulator == "icarus":
        request.getfixturevalue("icarus")
    run = run_frames([tiny_case.pick([0])], simulator=simulator, waves=True, limit_cycles=200)
    waves = wave_path(run.build, run.run_dir)
    assert waves.stat().st_size > 10_000
    if simulator == "verilator":
        assert "frame_start" in waves.read_text()


@pytest.mark.parametrize("seed", [1, 2])
def test_random_stalls_change_no_value(tiny_case, seed):
    """A memory that pauses all five channels at random: bit-exact, though not cycle-exact."""
    probability = (0.2, 0.7)[seed - 1]
    (result,) = run_cases([tiny_case], external=True, stall_probability=probability)
    assert result.bit_exact, result.first_mismatch
    assert result.logits_rtl == result.logits_golden
    assert result.kept_rtl == result.kept_golden
    assert not any("AXI violation" in problem for problem in result.bus_problems)
