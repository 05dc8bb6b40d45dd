"""The weight stream decoded, against the weights it was made from."""

from dataclasses import replace

import numpy as np
import pytest

from model.zoo import load_integer
from sim.machine import build_machine
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine
from sparsespike.contract.errors import ContractError


@pytest.fixture(scope="module")
def program():
    return compile_network(load_integer("tiny"), load_engine("small"))


def test_every_weight_and_bias_is_there_once(program):
    network, machine = load_integer("tiny"), build_machine(program)
    tiles, found = machine.tiles, {}
    for layer, d in zip(program.layers, machine.layers, strict=True):
        own = range(d.first_tile, d.first_tile + d.tiles)
        ends = [*tiles.first_mask, len(tiles.masks)]
        parts = [tiles.weights[tiles.offsets[ends[t]] : tiles.offsets[ends[t + 1]]] for t in own]
        parts += [tiles.bias[t, : tiles.lanes[t]] for t in own]
        found[layer.name] = np.sort(np.concatenate([*parts, np.zeros(0, int)]))
    for layer in network.layers:
        expected = np.concatenate([layer.weight[layer.weight != 0].reshape(-1), layer.bias])
        real = found[layer.name]
        # Rows that fill a line have lanes without a channel: no weights, bias 0.
        extra = len(real) - len(expected)
        assert extra >= 0
        assert np.array_equal(real[real != 0], np.sort(expected[expected != 0])), layer.name


def test_a_mask_word_names_the_slots_of_its_weights(program):
    tiles = build_machine(program).tiles
    for word, first, end in zip(tiles.masks, tiles.offsets[:-1], tiles.offsets[1:], strict=True):
        assert int(word) == sum(map(int, tiles.slots[first:end]))


@pytest.mark.parametrize("place, what", [(0, "header"), (1, "header"), (4, "header")])
def test_a_damaged_stream_is_refused(program, place, what):
    image = program.image.copy()
    image[program.header["weight_offset"] + place] ^= 0x40
    with pytest.raises(ContractError, match=what):
        build_machine(replace(program, image=image))
