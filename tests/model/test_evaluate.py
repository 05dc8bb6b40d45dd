"""Accuracy and counts of work, against naive twins; the zoo's cards."""

import numpy as np
import pytest

from model import zoo
from model.checkpoint import load_checkpoint
from model.data import ImageSet
from model.evaluate import evaluate_float, evaluate_integer
from model.integer import golden_forward, golden_logits
from model.layer_inputs import layer_inputs
from model.prune import weight_sparsity
from model.quantize import quantize
from model.random_network import random_images
from model.synops import count_operations
from sparsespike.contract.errors import ContractError


def naive_operations(network, layer, x) -> int:
    """Non-zero weights met by non-zero inputs, one weight at a time."""
    if layer.kind == "attention":
        q, k, v = np.split(x.astype(int), 3, axis=3)
        size = q.shape[3] // network.config.heads
        done = 0
        for head in range(network.config.heads):
            part = slice(head * size, head * size + size)
            done += np.einsum("btnd,btne->", k[..., part], v[..., part])
            done += q[..., part].sum() * size
        return int(done)
    if layer.kind == "conv":
        size = round(x.shape[2] ** 0.5)
        active = (x != 0).reshape(*x.shape[:2], size, size, -1)
        padded = np.pad(active, ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0)))
        done = 0
        for _, c, dy, dx in np.argwhere(layer.weight):
            done += int(padded[:, :, dy : dy + size, dx : dx + size, c].sum())
        return done
    if layer.kind in ("selector", "head"):
        x = x.sum(1 if layer.kind == "selector" else (1, 2), dtype=int)
    return sum(int((x[..., k] != 0).sum()) for _, k in np.argwhere(layer.weight))


def test_operations_equal_the_naive_count():
    network = zoo.load_integer("tiny")
    images = random_images(network.config, 3, seed=0)
    trace = golden_forward(network, images)
    counts = count_operations(network, images, trace)
    for name, x in layer_inputs(network, images, trace).items():
        expected = naive_operations(network, network.layer(name), x)
        assert counts[name].accumulates + counts[name].macs == expected, name
        valued = name.rsplit(".", 1)[-1] in ("conv0", "0", "qkv", "fc1", "head")
        assert (counts[name].accumulates == 0) == valued, name


def test_integer_accuracy_counts_the_right_answers():
    network = zoo.load_integer("tiny")
    images = random_images(network.config, 10, seed=0)
    labels = golden_logits(network, images).argmax(1)
    labels[:3] = (labels[:3] + 1) % 10
    seen = []
    score = evaluate_integer(
        network, ImageSet(images, labels), batch=4, progress=lambda *step: seen.append(step)
    )
    assert score.accuracy == pytest.approx(0.7)
    assert score.synops_per_image > 0
    assert seen == [(4, 10), (8, 10), (10, 10)]


def test_images_without_labels_are_refused():
    network = zoo.load_integer("tiny")
    data = ImageSet(random_images(network.config, 2, seed=0), np.array([1, -1]))
    with pytest.raises(ContractError, match="have no label"):
        evaluate_integer(network, data)


def test_nano_is_what_its_card_says():
    card, integer = zoo.card("nano"), zoo.load_integer("nano")
    checkpoint = load_checkpoint(zoo.float_path("nano"))
    assert card["integer_sha256"] == integer.content_hash()
    assert quantize(checkpoint.network, checkpoint.pixels).content_hash() == integer.content_hash()
    assert card["weight_sparsity"] == pytest.approx(weight_sparsity(checkpoint.network))
    assert min(weight_sparsity(checkpoint.network), integer.weight_sparsity()) >= 0.9
    # A gain is luck: about one image in seven is answered differently, right or wrong alike.
    assert card["accuracy_float"] - card["accuracy_integer"] <= 0.005


def test_nano_is_as_accurate_on_the_sample_as_its_card():
    sample, card = zoo.sample_images(), zoo.card("nano")
    checkpoint = load_checkpoint(zoo.float_path("nano"))
    given = evaluate_float(checkpoint.network, checkpoint.pixels, sample)
    integer = evaluate_integer(zoo.load_integer("nano"), sample).accuracy
    assert abs(given - integer) < 0.05
    assert abs(given - card["accuracy_float"]) < 0.12  # four standard deviations of 256 images


def test_zoo_names_and_refusals():
    assert set(zoo.names()) >= {"nano", "tiny"}
    with pytest.raises(ContractError, match=r"'nana' is not in the zoo; choose one of .*nano"):
        zoo.load_integer("nana")
    with pytest.raises(ContractError, match="no float checkpoint"):
        zoo.float_path("tiny")
    assert zoo.sample_images().images.shape == (256, 32, 32, 3)
    assert zoo.card("tiny") == {}
