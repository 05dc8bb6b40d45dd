"""Searches against brute force: the grid is all of it, NSGA-II nearly as good with fewer points."""

import itertools

import numpy as np
import pandas as pd
import pytest

from reports.energy import energy, total_joule
from reports.explore.pareto import hypervolume
from reports.explore.space import Space
from reports.explore.table import objective_values
from reports.resources import estimate
from reports.summary import counter_frame
from reports.technology import load_technology
from sim import simulate
from sparsespike.cli.inputs import load_images, load_network
from sparsespike.cli.variants import with_keep_ratio
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine


def _brute_force(space):
    """Every combination by plain loops, priced by the report's own tables."""
    technology = load_technology(space.base.technology)
    net = load_network("tiny")
    images = load_images(None, 1, net.config).images
    rows = []
    for keep, clusters, lanes, chunk, fifo in itertools.product(
        *space.network.values(), *space.engine.values()
    ):
        engine = load_engine(
            "micro", clusters=clusters, lanes=lanes, chunk=chunk, fifo_depth=fifo,
            attention_units=1,
        )  # fmt: skip
        changed = net if keep == net.config.keep_ratio else with_keep_ratio(net, keep)
        run = simulate(compile_network(changed, engine), images)
        counters = counter_frame(run.layers, run.counters)
        joule = total_joule(energy(counters, engine=engine, technology=technology))
        fps = engine.clock_mhz * 1e6 / run.cycles.sum()
        rows.append((fps, joule * 1e6, estimate(engine).lut))
    return pd.DataFrame(rows, columns=["fps", "energy_uj", "lut"])


def test_the_grid_is_brute_force(grid, grid_space):
    assert len(grid.table) == grid_space.size() == 200
    assert grid.table["feasible"].all()
    brute = _brute_force(grid_space)
    np.testing.assert_allclose(grid.table["fps"], brute["fps"], rtol=1e-12)
    np.testing.assert_allclose(grid.table["energy_uj"], brute["energy_uj"], rtol=1e-9)
    assert grid.table["lut"].tolist() == brute["lut"].tolist()
    # Of the table's own figures: sums in another order differ in their last bits, which can decide
    # between two points that are alike in everything else.
    values = grid.table[["fps", "energy_uj", "lut"]].to_numpy() * [-1, 1, 1]
    naive = [not any((a <= b).all() and (a < b).any() for a in values) for b in values]
    assert grid.table["pareto"].tolist() == naive


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_nsga2_nearly_reaches_the_front_with_two_fifths_of_the_points(
    search, grid, grid_space, seed
):
    settings = {"sampler": "nsga2", "trials": 80, "population": 16, "seed": seed}
    space = grid_space.model_copy(update={"search": grid_space.search.model_copy(update=settings)})
    found = search(space)
    assert len(found.table) <= 80
    assert found.driver.tally.new == 0  # all were in the store: nothing was evaluated twice
    everything = objective_values(space, grid.table)
    low, high = everything.min(0), everything.max(0)

    def volume(table):
        scaled = (objective_values(space, table) - low) / (high - low)
        return hypervolume(scaled, np.full(3, 1.1))

    assert volume(found.table) >= 0.95 * volume(grid.table)


@pytest.mark.parametrize("sampler", ["nsga2", "tpe", "random"])
def test_a_search_is_the_same_again(search, grid, grid_space, sampler):
    settings = {"sampler": sampler, "trials": 30, "population": 8, "seed": 5}
    space = grid_space.model_copy(update={"search": grid_space.search.model_copy(update=settings)})
    first, second = search(space), search(space)
    pd.testing.assert_frame_equal(first.table, second.table)
    assert len(first.table) == 30
    other = space.search.model_copy(update={"seed": 6})
    third = search(space.model_copy(update={"search": other}))
    assert third.table["config_hash"].tolist() != first.table["config_hash"].tolist()


def test_random_takes_allowed_points_once(search, grid):
    raw = {
        "base": {"network": "tiny", "engine": "micro", "images": 1, "accuracy_images": 0},
        "engine": {"lanes": [1, 2, 4, 8], "fifo_depth": [1, 2, 4, 8]},
        "constraints": ["lanes * fifo_depth <= 8"],
        "search": {"sampler": "random", "trials": 100},
    }
    found = search(Space.model_validate(raw)).table
    assert len(found) == 10
    assert (found["lanes"] * found["fifo_depth"] <= 8).all()
    assert not found.duplicated(["lanes", "fifo_depth"]).any()
