"""The network `tiny` stays small enough for slow RTL simulators, and holds every operator."""

from __future__ import annotations

from model.zoo import load_integer, sample_images
from sim import simulate
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine


def test_tiny_takes_at_most_5000_cycles_on_micro():
    program = compile_network(load_integer("tiny"), load_engine("micro"))
    images = sample_images().images[:4, ::4, ::4]
    assert (simulate(program, images).cycles.sum(axis=1) <= 5000).all()


def test_tiny_has_every_operator():
    network = load_integer("tiny")
    kinds = {layer.kind for layer in network.layers}
    assert kinds == {"conv", "linear", "attention", "selector", "head"}
    assert any(network.config.stem_pools)
    assert network.config.kept_tokens()[0] < network.config.tokens()
