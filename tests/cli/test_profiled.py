"""Profiled activity is what the lanes meet."""

import numpy as np
import pytest

from model.zoo import load_integer, sample_images
from sim import simulate
from sparsespike.cli.profiled import input_activity
from sparsespike.compiler import compile_network
from sparsespike.compiler.dataflow import dataflow
from sparsespike.contract.config import load_engine
from sparsespike.contract.counters import COUNTERS

DEEP = {"spike_depth": 16384, "count_depth": 8192, "head_slots": 64, "attention_depth": 64}


@pytest.mark.parametrize("fields", [{}, {"digit_bits": 2}, {"time_steps": 3}])
def test_activity_gives_the_matches_of_every_layer_without_borders(fields):
    network, engine = load_integer("tiny"), load_engine("micro", **DEEP, **fields)
    images = sample_images().images[:3, :8, :8]
    activity = input_activity(network, engine, images)
    run = simulate(compile_network(network, engine), images)
    matches = run.counters[:, :, COUNTERS.index("weights_read")].sum(axis=0)
    found = dict(zip(run.layers, matches.tolist(), strict=True))
    flows = [flow for flow in dataflow(network.config) if flow.kind not in ("attention", "conv")]
    assert len(flows) >= 5
    for flow in flows:
        weights = np.count_nonzero(network.layer(flow.name).weight, axis=0)
        expected = weights @ activity[flow.name] * flow.tokens * len(images)
        assert found[flow.name] == pytest.approx(expected)
