"""Pareto fronts: which points no other point beats, and how much space a front dominates."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def non_dominated(values: Floats) -> NDArray[np.bool_]:
    """(points,) True where no other row is at least as low everywhere and lower somewhere.

    values: (points, objectives), less is better; of equal rows all are kept.
    """
    kept = np.ones(len(values), bool)
    order = np.lexsort(values.T[::-1])
    front: list[int] = []
    for index in order:
        # In lexicographic order only earlier points can dominate a point.
        rows = values[front]
        beaten = (rows <= values[index]).all(1) & (rows < values[index]).any(1)
        if beaten.any():
            kept[index] = False
        else:
            front.append(int(index))
    return kept


def hypervolume(values: Floats, reference: Floats) -> float:
    """Volume between the rows of `values` (less is better) and the `reference` point.

    By slicing along the last objective; rows that do not beat the reference add nothing.
    """
    inside = values[(values < reference).all(1)]
    if not len(inside):
        return 0.0
    return _slices(np.unique(inside[non_dominated(inside)], axis=0), reference)


def _slices(values: Floats, reference: Floats) -> float:
    if values.shape[1] == 1:
        return float(reference[0] - values.min())
    ordered = values[np.argsort(values[:, -1], kind="stable")]
    heights = np.diff(np.append(ordered[:, -1], reference[-1]))
    total = 0.0
    for count, height in enumerate(heights, start=1):
        if height > 0:
            base = ordered[:count, :-1]
            total += height * _slices(base[non_dominated(base)], reference[:-1])
    return total
