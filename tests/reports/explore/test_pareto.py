"""Fronts and hypervolumes by hand and against naive twins."""

import numpy as np
import pytest

from reports.explore.pareto import hypervolume, non_dominated


def _naive_front(values):
    return [not any((a <= b).all() and (a < b).any() for a in values) for b in values]


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_front_is_that_of_the_definition(objectives):
    rng = np.random.default_rng(objectives)
    for _ in range(20):
        values = rng.integers(0, 6, (40, objectives)).astype(float)
        assert non_dominated(values).tolist() == _naive_front(values)


def test_equal_points_are_both_kept():
    assert non_dominated(np.array([[1.0, 2], [1, 2], [2, 2]])).tolist() == [True, True, False]


def test_hypervolume_by_hand():
    # Two boxes, 2 x 1 and 1 x 2, that share 1 x 1.
    assert hypervolume(np.array([[1.0, 2], [2, 1]]), np.array([3.0, 3])) == 3
    assert hypervolume(np.array([[0.0, 0, 0]]), np.array([2.0, 3, 4])) == 24
    assert hypervolume(np.array([[5.0, 5]]), np.array([3.0, 3])) == 0


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_hypervolume_counts_cells(objectives):
    # On whole numbers the volume is the number of unit cells that some point dominates.
    rng = np.random.default_rng(objectives)
    side = 5
    cells = np.stack(np.meshgrid(*[np.arange(side)] * objectives), -1).reshape(-1, objectives)
    for _ in range(10):
        values = rng.integers(0, side, (6, objectives)).astype(float)
        covered = sum(any((p <= cell).all() for p in values) for cell in cells)
        assert hypervolume(values, np.full(objectives, float(side))) == covered
