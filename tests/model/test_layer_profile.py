"""The integer network's spikes, operations and kept tokens, against sums over the golden trace."""

import numpy as np
import pytest

from model import zoo
from model.data import ImageSet
from model.evaluate import evaluate_integer
from model.integer import golden_forward
from model.kept_tokens import kept_maps
from model.layer_profile import profile_layers
from model.random_network import random_images


@pytest.fixture(scope="module")
def case():
    network = zoo.load_integer("tiny")
    images = random_images(network.config, 5, seed=0)
    return network, images, golden_forward(network, images), profile_layers(network, images)


def test_one_row_per_layer_whatever_the_batch(case):
    network, images, _, profile = case
    assert tuple(profile.layers["layer"]) == network.config.layer_names()
    parts = profile_layers(network, images, batch=2)
    assert parts.layers.equals(profile.layers)
    assert np.array_equal(parts.predicted, profile.predicted)


def test_spikes_are_the_ones_that_neurons_fired(case):
    _, _, trace, profile = case
    rows = profile.layers.set_index("layer")
    for layer in ("conv0", "conv3", "block.0.qkv", "block.0.attn", "block.0.fc1"):
        assert rows.loc[layer, "spikes"] == np.count_nonzero(trace.layers[layer]), layer
        assert rows.loc[layer, "neurons"] == trace.layers[layer].size, layer
    fired = trace.layers["rpe"].astype(int) - trace.layers["conv3"]
    assert set(np.unique(fired)) <= {0, 1}
    assert rows.loc["rpe", "spikes"] == fired.sum()
    added = trace.layers["block.0.fc2"].astype(int) - trace.layers["block.0.proj"]
    assert rows.loc["block.0.fc2", "spikes"] == added.sum()
    assert (rows["spikes"] <= rows["neurons"]).all()
    assert rows.loc["head", ["spikes", "neurons"]].tolist() == [0, 0]


def test_proj_adds_to_the_kept_tokens_only(case):
    network, _, trace, profile = case
    x = trace.layers["rpe"]
    if 0 in network.config.selector_blocks:
        x = np.take_along_axis(x, trace.kept["selector.0"][:, None, :, None], axis=2)
    added = trace.layers["block.0.proj"].astype(int) - x
    assert set(np.unique(added)) <= {0, 1}
    assert profile.layers.set_index("layer").loc["block.0.proj", "spikes"] == added.sum()


def test_operations_and_answers_are_those_of_the_evaluation(case):
    network, images, _, profile = case
    score = evaluate_integer(network, ImageSet(images, profile.predicted))
    assert score.accuracy == 1
    assert profile.layers["accumulates"].sum() / len(images) == score.synops_per_image
    assert profile.layers["macs"].sum() / len(images) == score.macs_per_image


def test_maps_mark_the_kept_tokens(case):
    network, images, trace, profile = case
    maps = kept_maps(network.config, profile.kept)
    assert set(maps) == set(trace.kept)
    for name, kept in maps.items():
        assert kept.shape == (len(images), network.config.grid(), network.config.grid())
        for image, positions in zip(kept, trace.kept[name], strict=True):
            assert np.flatnonzero(image).tolist() == positions.tolist()
