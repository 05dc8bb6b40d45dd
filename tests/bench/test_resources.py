"""The fit of the resource model: exact where the model is, never below nothing; its grid."""

import numpy as np
import pytest

from bench.resource_grid import HELD_OUT, TRAINING
from bench.resources import non_negative_least_squares
from reports.resource_features import BLOCKS


def test_weights_are_found_again():
    rng = np.random.default_rng(1)
    columns = rng.integers(1, 50, (30, 4)).astype(float)
    wanted = np.array([3.0, 0.0, 1.5, 20.0])
    found = non_negative_least_squares(columns, columns @ wanted)
    assert found == pytest.approx(wanted, abs=0.05)


def test_no_weight_is_negative():
    columns = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    found = non_negative_least_squares(columns, np.array([3.0, 2.0, 1.0]))
    assert (found >= 0).all()
    assert found[1] == 0


def test_held_out_engines_are_others():
    hashes = {engine.hash for engine in TRAINING}
    assert len(hashes) == len(TRAINING) >= 20
    assert len({engine.hash for engine in HELD_OUT} - hashes) >= 12


@pytest.mark.parametrize("block", BLOCKS)
def test_the_grid_moves_every_column_of_a_block(block):
    rows = [BLOCKS[block](engine) for engine in TRAINING]
    for name in rows[0]:
        if name != "one":
            assert len({row[name] for row in rows}) > 1, name
