"""Neuron units and write-back on small tensors worked out with NumPy."""

import numpy as np
import pytest

from sim.neuron import TALLY, fire_layer
from sim.state import LayerNumbers, engine_numbers, new_memory
from sparsespike.contract.config import load_engine
from sparsespike.contract.numeric import lif_integer, pool_size
from sparsespike.contract.program import Output

SPIKE, COUNT = int(Output.SPIKE), int(Output.COUNT)


def make_engine(**fields):
    return load_engine("small", lanes=4, chunk=8, **fields)


def layer(**fields):
    blank = dict.fromkeys(LayerNumbers._fields, 0)
    return LayerNumbers(**(blank | {"groups": 1, "time_steps": 4, "destination_rows": 2} | fields))


def fire(engine, d, memory, sums, *, bias=0, threshold=40, places=(0, 1, 2, 3)):
    """One tile of four lanes, row 1 of two."""
    tally = np.zeros(len(TALLY), np.int64)
    constants = np.full(4, bias), np.full(4, threshold), np.array(places, np.uint64)
    fire_layer(
        engine_numbers(engine),
        d,
        memory,
        np.arange(d.tokens),
        np.array([4]),
        np.array([1]),
        *constants,
        np.ascontiguousarray(sums.transpose(0, 2, 1), np.int32),
        tally,
    )
    return dict(zip(TALLY, tally.tolist(), strict=True))


def row_of(words, token, groups=1):
    """(groups * adders, 4) slots of row 1 of a token that has two rows, one word."""
    steps = words[token * groups : (token + 1) * groups].reshape(-1)
    return (steps[:, None] >> np.arange(4, 8, dtype=np.uint64)) & np.uint64(1)


@pytest.mark.parametrize("adders", [4, 3, 1])
def test_spikes_over_groups_are_those_of_the_rule(adders):
    engine = make_engine(time_steps=adders)
    groups = -(-4 // adders)
    rng = np.random.default_rng(adders)
    sums = rng.integers(-20, 30, (5 * groups, 4, adders))
    memory = new_memory(engine)
    d = layer(tokens=5, groups=groups, output=SPIKE)
    counters = fire(engine, d, memory, sums, bias=3)
    steps = sums.reshape(5, groups, 4, adders).transpose(1, 3, 0, 2).reshape(-1, 5, 4)[:4]
    expected = lif_integer(steps + 3, 40)
    for token in range(5):
        assert np.array_equal(row_of(memory.spikes[:, 0], token, groups)[:4], expected[:, token])
    assert counters == {
        "lif_updates": 5 * 4 * 4,
        "spikes_fired": int(expected.sum()),
        "rows_written": 5 * groups,
        "rows_updated": 0,
    }


def test_channels_of_a_tile_have_their_places_in_the_row():
    engine, sums = make_engine(), np.zeros((1, 4, 4), int)
    sums[0, 2] = 40
    memory = new_memory(engine)
    fire(engine, layer(tokens=1, output=SPIKE), memory, sums, places=(3, 2, 0, 1))
    assert row_of(memory.spikes[:, 0], 0)[0].tolist() == [1, 0, 0, 0]


def test_pixel_sums_are_bit_planes_of_one_current():
    engine = make_engine()
    memory, sums = new_memory(engine), np.array([[[1, 2, 0, 1]] * 4])
    fire(engine, layer(tokens=1, output=SPIKE, pixel=1), memory, sums, bias=2)
    expected = lif_integer(np.full((4, 4), 1 + 4 + 8 + 2), 40)
    assert np.array_equal(row_of(memory.spikes[:, 0], 0), expected)


def test_residual_counts_add_up():
    engine = make_engine()
    memory = new_memory(engine)
    d = layer(tokens=1, output=COUNT, residual=1)
    high, low = np.full((1, 4, 4), 1000), np.full((1, 4, 4), -1000)
    for sums in (high, high, low, high):
        counters = fire(engine, d, memory, sums)
    planes = np.stack([row_of(memory.counts[:, p], 0) for p in range(4)])
    assert (planes.transpose(1, 2, 0) @ [1, 2, 4, 8] == 3).all()
    assert counters["rows_updated"] == counters["rows_written"] == 1
    # The other row of the line is untouched.
    assert not (memory.counts & np.uint64(15)).any()


@pytest.mark.parametrize("height, width", [(4, 4), (5, 3), (1, 6)])
@pytest.mark.parametrize("output", [SPIKE, COUNT])
def test_pool_is_the_or_of_its_window(height, width, output):
    engine = make_engine()
    memory = new_memory(engine)
    for words in (memory.spikes, memory.counts):
        words[:] = np.uint64(0xF0)  # left by an earlier layer
    fired = np.random.default_rng(height).random((height, width, 4, 4)) < 0.2
    sums = np.where(fired, 1000, -1000).reshape(-1, 4, 4)
    d = layer(
        tokens=height * width, convolution=1, pool=1, height=height, width=width, output=output
    )
    counters = fire(engine, d, memory, sums)
    words, rows = memory.spikes if output == SPIKE else memory.counts, 0
    for py in range(pool_size(height)):
        for px in range(pool_size(width)):
            window = fired[max(2 * py - 1, 0) : 2 * py + 2, max(2 * px - 1, 0) : 2 * px + 2]
            rows += window.shape[0]  # rows of a line are merged before they are stored
            token = py * pool_size(width) + px
            assert np.array_equal(row_of(words[:, 0], token), window.any(axis=(0, 1)).T)
            assert not words[token, 1:].any()
    assert counters["rows_written"] == rows
    assert counters["rows_updated"] == rows - pool_size(height) * pool_size(width)
