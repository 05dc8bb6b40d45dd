"""Evaluations are the simulator's own, also where a group's work is only timed again."""

import random

import numpy as np
import pytest

from model import zoo
from sim import simulate
from sparsespike.cli import explore_evaluate
from sparsespike.cli.explore_evaluate import classify, evaluate
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
    {"lanes": 8, "memory_interval": 5},
    {"fifo_depth": 1},
]


@pytest.fixture(scope="module")
def net():
    return zoo.load_integer("tiny")


@pytest.fixture(autouse=True)
def nothing_kept():
    explore_evaluate._prepared.cache_clear()


def _check(net, engine, images):
    """The outcome, after a comparison with the full simulator."""
    program = compile_network(net, engine)
    outcome = evaluate(net, engine, images)
    expected = simulate(program, images).counters.sum(axis=1)
    assert np.array_equal(np.array(outcome.counters), expected)
    assert outcome.program_hash == program.hash
    return outcome


@pytest.mark.parametrize("room", [explore_evaluate.KEPT_BYTES, 0])
def test_work_timed_again_counts_like_the_full_simulator(net, room, monkeypatch):
    monkeypatch.setattr(explore_evaluate, "KEPT_BYTES", room)
    images = load_images(None, 2, net.config).images
    seen = {_check(net, load_engine("micro", **timing), images).counters for timing in TIMINGS}
    # All but the clock changes cycles, so that stale times would show.
    assert len(seen) == len(TIMINGS) - 2
    assert explore_evaluate._prepared.cache_info()[:2] == (5, 3)


def test_random_points_of_nano_count_like_the_full_simulator():
    net, rng = zoo.load_integer("nano"), random.Random(4)
    images = load_images(None, 1, net.config).images
    for _ in range(4):
        shape = {
            "clusters": rng.choice([1, 2, 4, 8]),
            "lanes": rng.choice([3, 8, 16]),
            "chunk": rng.choice([8, 16, 32]),
            "axi_data_bits": rng.choice([64, 128]),
            "mask_depth": 256,
            "spike_depth": 8192,
            "count_depth": 4096,
            "weight_depth": 4096,
        }
        for _ in range(2):
            engine = load_engine(
                "small",
                fifo_depth=rng.choice([1, 3, 8]),
                memory_interval=rng.choice([1, 2, 5]),
                memory_latency=rng.choice([5, 60]),
                **shape,
            )
            _check(net, engine, images)


def test_other_images_and_networks_are_not_taken_for_these(net):
    images = load_images(None, 3, net.config).images
    engine = load_engine("micro")
    first = _check(net, engine, images[:1])
    assert _check(net, engine, images[1:2]).counters != first.counters
    _check(net, engine, images)
    again = zoo.load_integer("tiny")
    assert _check(again, engine, images[:1]).counters == first.counters


def test_a_refusal_is_an_outcome(net):
    images = load_images(None, 1, net.config).images
    for _ in range(2):
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
