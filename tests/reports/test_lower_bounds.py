"""Lower bounds: never above the cycles, the highest names the resource, by hand for one layer."""

import pandas as pd
import pytest

from model import zoo
from reports.lower_bounds import RESOURCES, lower_bounds
from reports.summary import counter_frame
from sim import simulate
from sparsespike.cli.inputs import load_images
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine
from sparsespike.contract.counters import COUNTERS


def test_by_hand():
    engine = load_engine("micro", clusters=2, lanes=4, time_steps=4, memory_interval=3)
    values = dict.fromkeys(COUNTERS, 0) | {
        "cycles": 400,
        "chunks_broadcast": 300,
        "weights_read": 960,
        "dma_read_beats": 20,
        "lif_updates": 80,
    }
    frame = pd.DataFrame(
        {"layer": "a", "counter": list(values), "count": list(values.values())},
    )
    (row,) = lower_bounds(frame, engine, images=2).to_dict("records")
    assert {name: row[name] for name in ("cycles", *RESOURCES)} == {
        "cycles": 200,
        "broadcasts": 75,
        "matches": 60,
        "memory": 30,
        "updates": 5,
        "attention": 0,
    }
    assert (row["bound"], row["limit"]) == (75, "broadcasts")
    assert row["ratio"] == pytest.approx(200 / 75)
    assert row["work_ratio"] == pytest.approx(200 / 60)


def test_no_layer_is_faster_than_its_bound():
    engine, network = load_engine("micro", clusters=3), zoo.load_integer("tiny")
    pixels = load_images(None, 2, network.config).images
    run = simulate(compile_network(network, engine), pixels)
    bounds = lower_bounds(counter_frame(run.layers, run.counters), engine, images=2)
    assert bounds["layer"].tolist() == list(run.layers)
    assert (bounds["ratio"] >= 1).all()
    assert bounds.set_index("layer").at["block.0.attn", "limit"] == "attention"
    assert bounds["cycles"].sum() == run.cycles.sum() / 2
