import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsespike.compiler.order import (
    deal_tiles,
    group_channels,
    lane_loads,
)
from sparsespike.compiler.share_rows import share_rows


def test_like_work_shares_a_row():
    rows = group_channels(np.array([5, 1, 9, 5, 2]), 2, 3)
    assert [row.tolist() for row in rows] == [[2, 0, 3], [4, 1]]


def test_heavy_and_light_share_a_lane():
    work = np.array([5, 1, 9, 6, 2, 8, 0, 3])
    rows = group_channels(work, 2, 2)
    # 9 + 0, 8 + 1, 6 + 2 and 5 + 3, the two lanes of a row side by side.
    assert [row.tolist() for row in rows] == [[2, 5, 6, 1], [3, 0, 4, 7]]
    assert [lane_loads(work, row, 2).tolist() for row in rows] == [[9, 9], [8, 8]]


def test_lanes_that_need_not_share_take_the_heaviest():
    work = np.array([9, 1, 2, 3, 4])
    (row,) = group_channels(work, 1, 4)
    assert lane_loads(work, row, 4).tolist() == [3, 9, 4, 3]
    assert row.size == 5


def test_more_rows_than_channels_leaves_rows_empty():
    rows = group_channels(np.array([1, 2]), 4, 1)
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


def rows_cost(work, floor, rows, lanes):
    """Every layer pairs a row's channels as suits it."""
    total = 0
    for row in rows:
        for layer, least in zip(work.T, floor, strict=True):
            if row.size:
                paired = row[group_channels(layer[row], 1, lanes)[0]]
                total += max(lane_loads(layer, paired, lanes).max(), least)
    return total


def test_a_shared_order_by_hand():
    # Sorted by total work the rows would be 0, 1 and 2, 3: 9 + 9 and 2 + 2.
    work = np.array([[9, 1], [1, 9], [2, 0], [0, 2]])
    rows = share_rows(work, np.zeros(2, np.int64), 2, 2)
    assert sorted(sorted(row.tolist()) for row in rows) == [[0, 2], [1, 3]]
    # Where the least that a row costs is more than that, nothing is gained.
    rows = share_rows(work, np.full(2, 9), 2, 2)
    assert [row.tolist() for row in rows] == [[0, 1], [2, 3]]


@given(st.integers(0, 99), st.integers(1, 30), st.integers(1, 4), st.integers(1, 6), st.booleans())
def test_a_shared_order_is_a_permutation_and_never_dearer(seed, channels, layers, rows, paired):
    lanes = -(-channels // rows)
    lanes = -(-lanes // 2) if paired else lanes
    rng = np.random.default_rng(seed)
    work = rng.lognormal(3, 1, (channels, layers)).astype(np.int64)
    floor = rng.integers(0, 30, layers)
    shared, by_total = (
        share_rows(work, floor, rows, lanes),
        group_channels(work.sum(axis=1), rows, lanes),
    )
    assert sorted(np.concatenate(shared)) == list(range(channels))
    assert [row.size for row in shared] == [row.size for row in by_total]
    dearest = rows_cost(work, floor, by_total, lanes)
    assert rows_cost(work, floor, shared, lanes) <= dearest
