"""Attention of one head: outputs equal (Q K^T) V, times equal a hand count."""

import numpy as np

from sim.attention import attend
from sim.clusters import new_clusters
from sim.kernels import TAKE, TALLY, attention_layer
from sim.state import LayerNumbers, engine_numbers, new_memory
from sparsespike.contract.config import load_engine


def layer(**fields):
    return LayerNumbers(**(dict.fromkeys(LayerNumbers._fields, 0) | fields))


def test_outputs_are_those_of_the_definition():
    engine = load_engine("small", chunk=8, lanes=8, time_steps=2)
    e, memory = engine_numbers(engine), new_memory(engine)
    # (query, key or value; token; group; step; slot)
    spikes = np.random.default_rng(0).random((3, 5, 2, 2, 16)) < 0.4
    places = np.left_shift(np.uint64(1), np.arange(8, dtype=np.uint64))
    for part, n, g, a in np.ndindex(3, 5, 2, 2):
        words = (spikes[part, n, g, a].reshape(2, 8) * places).sum(axis=1)
        first = (n * 2 + g) * 6 + 2 * part
        memory.spikes[first : first + 2, 0, a] = words
    d = layer(
        tokens=5,
        groups=2,
        time_steps=4,
        heads=1,
        head_words=2,
        source_stride=6,
        key_offset=2,
        value_offset=4,
    )
    outputs = np.zeros((10, 2, 16), np.int64)
    keys, queries = np.zeros((2, 10), np.int64)
    attend(e, d, memory, 0, np.zeros((2, 16, 2, 16), np.int64), outputs, keys, queries)
    q, k, v = spikes.astype(np.int64)
    expected = np.einsum("ngai,mgai,mgaj->ngaj", q, k, v)
    assert np.array_equal(outputs.reshape(5, 2, 2, 16), expected)
    assert np.array_equal(keys, spikes[1].sum(axis=(2, 3)).reshape(-1))
    assert np.array_equal(queries, spikes[0].sum(axis=(2, 3)).reshape(-1))


def test_times_of_two_visits():
    # go 100: head begins at 101; 3 cycles, then 8 slots x 4 steps are cleared: K visits at 136.
    # 2 words + 3 + 3 keys = 8, then 5 + 0 = 5 cycles. Q visits at 149 + 3 = 152: 1 + 3 + 2 queries
    # + 6 = 12, outputs ready at 164..171; the take that completes the row of 8 is the last, at 171.
    # The next visit starts at 172 and has no query.
    engine = load_engine("small", chunk=8, lanes=8)
    clusters = new_clusters(engine)
    d = layer(tokens=2, groups=1, heads=1, head_words=1)
    attention_layer(
        engine_numbers(engine),
        d,
        clusters,
        100,
        np.array([[3, 0]]),
        np.array([[2, 0]]),
        np.zeros(len(TALLY), np.int64),
    )
    assert clusters.unit[0, TAKE] == 172 + 1 + 3 + 0 + 6 + 7
    assert (clusters.unit[1:, TAKE] < 0).all()
