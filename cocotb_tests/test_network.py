# ruff: noqa: D103
"""Whole networks: golden model, simulator and RTL agree in every value, cycle and counter."""

import dataclasses

import pytest

from cocotb_tests.cosim import run_cases


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
    (result,) = run_cases([tiny_case], simulator="icarus")
    assert_exact(result)


@pytest.mark.parametrize("nano_case", ["small", "micro"], indirect=True)
def test_nano(nano_case):
    (result,) = run_cases([nano_case])
    assert_exact(result)


def test_one_engine_runs_images_in_any_order(tiny_case):
    """State that a frame leaves behind changes nothing: A, B, B, A."""
    order = [0, 1, 1, 0]
    pick = {name: value[order] for name, value in tiny_case.golden.layers.items()}
    kept = {name: value[order] for name, value in tiny_case.golden.kept.items()}
    simulated = tiny_case.simulated
    case = dataclasses.replace(
        tiny_case,
        images=tiny_case.images[order],
        golden=dataclasses.replace(tiny_case.golden, layers=pick, kept=kept),
        simulated=dataclasses.replace(
            simulated,
            cycles=simulated.cycles[order],
            counters=simulated.counters[order],
            logits=simulated.logits[order],
            kept={name: value[order] for name, value in simulated.kept.items()},
            scores={name: value[order] for name, value in simulated.scores.items()},
            tensors={name: value[order] for name, value in simulated.tensors.items()},
        ),
    )
    (result,) = run_cases([case])
    assert_exact(result)


@pytest.mark.parametrize("simulator", ["verilator", "icarus"])
def test_waves(tiny_case, simulator, request):
    if simulator == "icarus":
        request.getfixturevalue("icarus")
    one = dataclasses.replace(tiny_case, images=tiny_case.images[:1])
    (result,) = run_cases([one], simulator=simulator, waves=True)
    assert result.bit_exact
    assert result.waves.stat().st_size > 10_000


@pytest.mark.parametrize("seed", [1, 2])
def test_random_stalls_change_no_value(tiny_case, seed):
    """A memory that pauses all five channels at random: bit-exact, though not cycle-exact."""
    probability = (0.2, 0.7)[seed - 1]
    (result,) = run_cases([tiny_case], external=True, stall_probability=probability)
    assert result.bit_exact, result.first_mismatch
    assert result.logits_rtl == result.logits_golden
    assert result.kept_rtl == result.kept_golden
    assert not any("AXI violation" in problem for problem in result.bus_problems)
