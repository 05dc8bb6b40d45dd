"""Bounds hold for the worst inputs, and clamped thresholds fire as the given ones do."""

import numpy as np
import pytest

from sparsespike.compiler.bounds import attention_threshold, lane_thresholds
from sparsespike.compiler.dataflow import Flow
from sparsespike.contract.config import load_engine
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerLayer
from sparsespike.contract.numeric import lif_integer
from sparsespike.contract.program import Accumulate, Output


def _layer(weight, bias, threshold, kind="linear"):
    weight = np.array(weight, np.int8)
    bias, threshold = np.array(bias), np.array(threshold)
    return IntegerLayer("block.0.proj", kind, weight, bias, threshold, np.ones(len(weight)))


def _flow(**fields):
    given = {"name": "block.0.proj", "kind": "linear", "source": "a", "target": "b", "tokens": 4}
    return Flow(**given | fields)


def _bits_refused(engine, flow, layer, time_steps):
    """(what, needed bits) of the refusal, or None."""
    try:
        lane_thresholds(engine, flow, layer, time_steps)
    except ContractError as error:
        words = str(error).split()
        return words[2], int(words[words.index("needs") + 1].rstrip(","))
    return None


def test_reachable_thresholds_stay_and_others_become_the_first_out_of_reach():
    # Currents: 1 + (3 - 2) * spikes = -1..4, so P stays below 15 * 4 + 1.
    layer = _layer([[3, -2]] * 3, [1, 1, 1], [60, 61, 2**50])
    found = lane_thresholds(load_engine("small"), _flow(), layer, 4)
    assert found.tolist() == [60, 61, 61]


@pytest.mark.parametrize("steps", [1, 4, 16])
def test_clamped_thresholds_fire_alike(steps):
    rng = np.random.default_rng(steps)
    weight = rng.integers(-9, 10, (64, 6))
    bias = rng.integers(-20, 20, 64)
    threshold = rng.integers(1, 40 * 2**steps, 64)
    engine = load_engine("small", accumulator_bits=12, membrane_bits=48)
    clamped = lane_thresholds(engine, _flow(), _layer(weight, bias, threshold), steps)
    assert (clamped < threshold).any()
    best = weight > 0
    for inputs in [np.broadcast_to(best, (steps, 64, 6)), *rng.integers(0, 2, (20, steps, 64, 6))]:
        currents = (inputs * weight).sum(2) + bias
        assert np.array_equal(lif_integer(currents, clamped), lif_integer(currents, threshold))


def test_accumulator_bound_is_met_by_the_worst_input():
    # 5 weights of 127 on counts up to 10 reach 6350: 14 bits signed.
    layer = _layer([[127] * 5], [0], [1])
    engine = load_engine("small", accumulator_bits=13)
    assert _bits_refused(engine, _flow(input_max=10), layer, 4) == ("accumulator", 14)
    assert _bits_refused(engine, _flow(input_max=1), layer, 4) is None


@pytest.mark.parametrize("adders", [1, 3, 4, 8, 16])
def test_pixel_current_collapses_all_adders(adders):
    # One weight of 127 on a pixel of 255 is 32385: 16 bits signed; a bias adds to it.
    engine = load_engine("small", time_steps=adders, accumulator_bits=15, membrane_bits=48)
    flow = _flow(source="image", input_max=255)
    layer = _layer([[127]], [0], [1])
    assert _bits_refused(engine, flow, layer, 4) == ("accumulator", 16)
    assert _bits_refused(engine, flow, _layer([[64]], [0], [1]), 4) is None
    assert _bits_refused(engine, flow, _layer([[64]], [64], [1]), 4) == ("accumulator", 16)


def test_token_and_head_sums_count_groups_and_tokens():
    layer = _layer([[1]], [0], [])
    engine = load_engine("small", time_steps=4, accumulator_bits=12)
    score = {"output": Output.SCORE, "accumulate": Accumulate.TOKEN, "target": None}
    # 3 groups of 4 adders, counts to 700: 2100 an adder.
    flow = _flow(input_max=700, **score)
    assert _bits_refused(engine, flow, layer, 12) == ("accumulator", 13)
    assert _bits_refused(engine, flow, layer, 8) is None
    head = {"output": Output.HEAD, "accumulate": Accumulate.ALL, "target": None}
    flow = _flow(input_max=10, tokens=205, **head)
    assert _bits_refused(engine, flow, layer, 4) == ("accumulator", 13)


def test_logits_must_fit_32_bits():
    layer = _layer([[1]], [2**31 - 1], [])
    engine = load_engine("small", accumulator_bits=32, membrane_bits=40)
    flow = _flow(output=Output.HEAD, accumulate=Accumulate.ALL, target=None)
    assert _bits_refused(engine, flow, layer, 4) == ("score", 33)


def test_attention_current_is_at_most_tokens_times_channels():
    flow = _flow(kind="attention", tokens=5)
    layer = _layer([], [], [1000], "attention")
    engine = load_engine("small")
    assert attention_threshold(engine, flow, layer, 4, 3) == 15 * 15 + 1
    assert attention_threshold(engine, flow, layer, 4, 30) == 1000
