"""simulate: what it returns, refuses and promises."""

import numpy as np
import pytest

from model.random_network import random_images
from model.tiny import TINY
from model.zoo import load_integer
from sim import simulate
from sim.accumulate import sum_layer
from sim.attention import attend
from sim.kernels import attention_layer, matmul_layer
from sim.neuron import fire_layer
from sim.walk import _walk
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.errors import ContractError


@pytest.fixture(scope="module")
def program():
    return compile_network(load_integer("tiny"), load_engine("small"))


@pytest.fixture(scope="module")
def images():
    return random_images(TINY, 3, seed=5)


def test_shapes(program, images):
    calls = []
    found = simulate(program, images, progress=lambda *call: calls.append(call))
    layers = len(found.layers)
    assert found.layers == TINY.layer_names()
    assert found.cycles.shape == (3, layers)
    assert found.counters.shape == (3, layers, len(COUNTERS))
    assert found.logits.shape == (3, 10)
    assert found.kept["selector.0"].shape == (3, 2)
    assert found.scores["selector.0"].shape == (3, 4)
    assert found.tensors is None
    assert calls == [(1, 3), (2, 3), (3, 3)]
    assert found.images_per_second == 3 / found.wall_seconds


def test_every_layer_takes_cycles_and_counts_beats_once(program, images):
    found = simulate(program, images)
    beats = found.counters[:, :, COUNTERS.index("dma_read_beats")].sum(axis=1)
    header = program.header
    fixed = 8 + 8 * header["layers"] + header["pixels"] // 2
    assert (found.cycles > 0).all()
    assert np.array_equal(beats, np.full(3, fixed + header["weight_beats"]))
    assert np.array_equal(found.cycles, found.counters[:, :, COUNTERS.index("cycles")])


def test_images_do_not_depend_on_each_other(program, images):
    together = simulate(program, images, keep_tensors=True)
    for index in range(3):
        alone = simulate(program, images[index : index + 1], keep_tensors=True)
        assert np.array_equal(alone.counters[0], together.counters[index])
        assert np.array_equal(alone.logits[0], together.logits[index])
        for name, tensor in alone.tensors.items():
            assert np.array_equal(tensor[0], together.tensors[name][index])


def test_images_that_run_at_the_same_time_are_what_they_are_alone(program):
    images, calls = random_images(TINY, 9, seed=8), []
    alone = simulate(program, images, keep_tensors=True)
    found = simulate(
        program, images, keep_tensors=True, threads=4, progress=lambda *call: calls.append(call)
    )
    assert np.array_equal(found.counters, alone.counters)
    assert np.array_equal(found.logits, alone.logits)
    assert all(np.array_equal(found.tensors[name], alone.tensors[name]) for name in alone.tensors)
    assert all(np.array_equal(found.kept[name], alone.kept[name]) for name in alone.kept)
    assert calls == [(done, 9) for done in range(1, 10)]


def test_tensors_have_steps_tokens_and_channels(program, images):
    tensors = simulate(program, images, keep_tensors=True).tensors
    assert tensors["conv0"].shape == (3, 4, 16, 2)
    assert tensors["conv3"].shape == (3, 4, 4, 16)
    assert tensors["block.0.qkv"].shape == (3, 4, 4, 48)
    assert tensors["block.0.fc2"].max() > 1
    assert tensors["block.0.fc1"].max() == 1


@pytest.mark.parametrize(
    "wrong, message",
    [
        (np.zeros((1, 8, 8, 3), np.float32), "uint8"),
        (np.zeros((8, 8, 3), np.uint8), "N, 8, 8, 3"),
        (np.zeros((1, 9, 8, 3), np.uint8), "N, 8, 8, 3"),
        (np.zeros((1, 8, 8, 1), np.uint8), "N, 8, 8, 3"),
        (np.zeros((0, 8, 8, 3), np.uint8), "N > 0"),
    ],
)
def test_other_images_are_refused(program, wrong, message):
    with pytest.raises(ContractError, match=message):
        simulate(program, wrong)


def test_every_kernel_has_one_signature(program, images):
    for engine in ("small", "micro"):
        simulate(compile_network(load_integer("tiny"), load_engine(engine)), images[:1])
    kernels = [matmul_layer, attention_layer, attend, fire_layer, sum_layer, _walk]
    for kernel in kernels:
        assert len(getattr(kernel, "signatures", [None])) == 1, kernel
