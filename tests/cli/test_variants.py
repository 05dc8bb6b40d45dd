"""Variants of a network: they compute what they should, with less sparsity."""

import numpy as np
import pytest

from model import zoo
from reports.activity import mean_firing_rate
from reports.summary import counter_frame
from sim import simulate
from sparsespike.cli.inputs import load_images
from sparsespike.cli.variants import always_firing, with_keep_ratio, without_weight_skipping
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine
from sparsespike.contract.counters import COUNTERS

ENGINE = load_engine("small")


@pytest.fixture(scope="module")
def tiny():
    return zoo.load_integer("tiny")


def _total(run, name):
    return int(run.counters[:, :, COUNTERS.index(name)].sum())


def test_stored_zeros_change_the_work_but_no_spike(tiny):
    pixels = load_images(None, 3, tiny.config).images
    sparse = simulate(compile_network(tiny, ENGINE), pixels, keep_tensors=True)
    dense = simulate(without_weight_skipping(tiny, ENGINE), pixels, keep_tensors=True)
    assert np.array_equal(dense.logits, sparse.logits)
    for name, tensor in sparse.tensors.items():
        assert np.array_equal(dense.tensors[name], tensor), name
    assert _total(dense, "additions") > 3 * _total(sparse, "additions")
    assert _total(dense, "cycles") > _total(sparse, "cycles")


def test_every_neuron_fires(tiny):
    network, white = always_firing(tiny)
    run = simulate(compile_network(network, ENGINE), white)
    counters = counter_frame(run.layers, run.counters)
    assert mean_firing_rate(counters, network.config, images=1) == 1
    assert _total(run, "chunks_skipped") == 0


def test_keeping_all_tokens_removes_the_selectors(tiny):
    full = with_keep_ratio(tiny, 1.0)
    assert full.config.selector_blocks == ()
    assert not [layer for layer in full.layers if layer.kind == "selector"]
    assert len(full.config.layer_names()) == len(full.layers)


def test_another_keep_ratio_keeps_other_tokens_and_scales_the_heads_bias(tiny):
    half = with_keep_ratio(tiny, 0.5)
    tokens = tiny.config.tokens()
    assert half.config.kept_tokens()[-1] == int(tokens * 0.5)
    before, after = tiny.config.kept_tokens()[-1], half.config.kept_tokens()[-1]
    expected = np.rint(tiny.layers[-1].bias * after / before)
    assert np.array_equal(half.layers[-1].bias, expected.astype(np.int64))
    assert with_keep_ratio(tiny, tiny.config.keep_ratio).content_hash() == tiny.content_hash()
