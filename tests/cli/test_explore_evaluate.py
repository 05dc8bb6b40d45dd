"""Evaluations are the simulator's own, also where a decoded program is used again."""

import numpy as np
import pytest

from model import zoo
from sim import simulate
from sparsespike.cli.explore_evaluate import TIMING_FIELDS, classify, decoded, evaluate
from sparsespike.cli.inputs import load_images
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine

TIMINGS = [
    {},
    {"fifo_depth": 1},
    {"fifo_depth": 16, "memory_latency": 90},
    {"memory_interval": 7},
    {"clock_mhz": 50.0},
    {"lanes": 8, "memory_interval": 3},
]


@pytest.fixture(scope="module")
def net():
    return zoo.load_integer("tiny")


def test_programs_decoded_once_count_like_fresh_ones(net):
    images = load_images(None, 2, net.config).images
    seen = set()
    for timing in TIMINGS:
        engine = load_engine("micro", **timing)
        program = compile_network(net, engine)
        outcome = evaluate(net, engine, images)
        expected = simulate(program, images).counters.sum(axis=1)
        assert np.array_equal(np.array(outcome.counters), expected)
        assert outcome.program_hash == program.hash
        seen.add(outcome.counters)
    # All but the clock changes cycles, so that stale times would show.
    assert len(seen) == len(TIMINGS) - 1


def test_only_timing_shares_a_decoded_program(net):
    first = decoded(compile_network(net, load_engine("micro")))
    for name, value in zip(TIMING_FIELDS, (2, 50, 3, 60.0), strict=True):
        other = decoded(compile_network(net, load_engine("micro", **{name: value})))
        assert other.tiles is first.tiles
    assert decoded(compile_network(net, load_engine("micro", chunk=16))).tiles is not first.tiles


def test_a_refusal_is_an_outcome(net):
    images = load_images(None, 1, net.config).images
    outcome = evaluate(net, load_engine("micro", spike_depth=128), images)
    assert "spike_depth" in outcome.reason
    assert outcome.counters == ()
    assert outcome.program_hash == ""


def test_accuracy_needs_no_engine_that_fits(net):
    chosen = load_images(None, 16, net.config)
    labels = chosen.labels.astype(np.int64)
    roomy = classify(net, load_engine("micro"), chosen.images, labels)
    assert classify(net, load_engine("micro", spike_depth=128), chosen.images, labels) == roomy
    assert roomy.images == 16
