import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsespike.compiler.order import deal_tiles, group_channels


def test_like_work_shares_a_row():
    rows = group_channels(np.array([5, 1, 9, 5, 2]), 2)
    assert [row.tolist() for row in rows] == [[2, 0, 3], [4, 1]]


def test_more_rows_than_channels_leaves_rows_empty():
    rows = group_channels(np.array([1, 2]), 4)
    assert [row.tolist() for row in rows] == [[1], [0], [], []]


def test_heavy_tiles_go_to_clusters_with_little_to_do():
    # Loads: cluster 0 gets 9 then 1, cluster 1 gets 5 and 4.
    assert deal_tiles(np.array([4, 9, 1, 5]), 2).tolist() == [1, 3, 2, 0]


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60), st.integers(1, 9))
def test_dealing_is_a_permutation_with_heaviest_first(costs, clusters):
    stream = deal_tiles(np.array(costs), clusters)
    assert sorted(stream) == list(range(len(costs)))
    for cluster in range(clusters):
        own = [costs[tile] for tile in stream[cluster::clusters]]
        assert own == sorted(own, reverse=True)


@pytest.mark.parametrize("clusters", [2, 4, 7])
def test_loads_are_close_on_uneven_tiles(clusters):
    cost = (np.random.default_rng(3).lognormal(3, 1, 8 * clusters)).astype(int)
    stream = deal_tiles(cost, clusters)
    loads = [cost[stream[k::clusters]].sum() for k in range(clusters)]
    in_turn = [cost[np.argsort(-cost)[k::clusters]].sum() for k in range(clusters)]
    assert max(loads) <= max(in_turn)
    assert max(loads) - min(loads) <= cost.max()
