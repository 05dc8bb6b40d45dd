"""Bands of a layer: few or uneven tiles are split, and only what can be split is."""

import numpy as np
import pytest

from sparsespike.compiler.dataflow import dataflow
from sparsespike.compiler.mapping import (
    band_positions,
    channel_cycles,
    map_layer,
    possible_splits,
    tile_cycles,
)
from sparsespike.contract.config import load_engine
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import NetworkConfig

CONFIG = NetworkConfig(
    time_steps=4, image_size=32, dim=384, depth=2, heads=12, selector_blocks=(1,), keep_ratio=0.9
)
FLOWS = {flow.name: flow for flow in dataflow(CONFIG)}


def choose(name, heaviest, **options):
    return map_layer(
        load_engine("large"),
        FLOWS[name],
        heaviest=16 * np.array(heaviest),
        mask_words=27,
        **options,
    )


def test_bands_of_a_convolution_are_rows():
    assert band_positions(FLOWS["conv1"], 2) == 8 * 32
    assert band_positions(FLOWS["block.1.fc1"], 2) == 15


@pytest.mark.parametrize(
    "name, clusters, splits",
    [
        ("conv1", 24, [0, 1, 2, 3]),
        ("conv1", 2, [0, 1]),
        ("conv1", 1, [0]),
        # A pooled row between two bands needs three write slots between their clusters.
        ("conv2", 24, [0, 1, 2, 3]),
        ("conv2", 12, [0, 1, 2]),
        ("conv2", 4, [0]),
        ("rpe", 24, [0, 1, 2, 3]),
    ],
)
def test_possible_splits(name, clusters, splits):
    engine = load_engine("large", clusters=clusters, attention_units=1)
    assert possible_splits(engine, FLOWS[name]) == splits


def test_few_tiles_get_many_bands_and_many_even_tiles_get_one():
    assert choose("conv0", [10] * 6).split == 2
    assert choose("block.0.fc1", [10] * 192).split == 0


def test_uneven_tiles_are_split():
    assert choose("conv1", [1000, *[10] * 23]).split == 3


def test_a_number_of_bands_can_be_asked_for():
    mapping = choose("conv1", [30, 10, 20], bands=8)
    assert mapping.split == 3
    assert sorted(mapping.stream.tolist()) == [0, 1, 2]
    with pytest.raises(ContractError, match="conv1: cannot be split into 3 bands"):
        choose("conv1", [30], bands=3)


def test_two_bit_digits_halve_the_expected_matches_of_counts():
    planes, digits = (load_engine("large", digit_bits=bits) for bits in (1, 2))
    weight = np.ones((2, 500, 2), np.int8)  # 500 inputs of two taps
    for name, factor in (("block.1.fc1", 2), ("block.1.proj", 1), ("conv0", 1)):
        flow = FLOWS[name]
        expected = factor * channel_cycles(digits, flow, weight, None)
        assert channel_cycles(planes, flow, weight, None) == pytest.approx(expected, abs=2)


def test_profiled_activity_weighs_each_input():
    weight = np.array([[[1, 0], [0, 0]], [[0, 0], [3, -2]]], np.int8)
    cycles = channel_cycles(
        load_engine("large"), FLOWS["block.1.fc2"], weight, np.array([0.5, 0.25])
    )
    assert cycles.tolist() == [8, 8]


def test_pixels_are_broadcast_in_every_pass():
    engine = load_engine("large")
    assert tile_cycles(engine, FLOWS["conv0"], 999) == 2 * tile_cycles(engine, FLOWS["conv1"], 999)
