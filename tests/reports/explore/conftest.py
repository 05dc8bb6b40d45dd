"""A grid of 200 engines around `micro`, evaluated once with the test network."""

from dataclasses import dataclass

import pandas as pd
import pytest

from reports.explore.driver import Driver
from reports.explore.pool import InProcessPool
from reports.explore.proposals import proposals
from reports.explore.space import Space
from reports.explore.store import Store
from reports.explore.table import Pricer, points_table
from reports.technology import load_technology
from sparsespike.cli.explore_run import workload

GRID = {
    "name": "grid",
    "base": {"network": "tiny", "engine": "micro", "images": 1, "accuracy_images": 0},
    "engine": {
        "clusters": [1, 2],
        "lanes": [1, 2, 3, 4, 8],
        "chunk": [4, 8],
        "fifo_depth": [1, 2, 4, 8, 16],
    },
    "network": {"keep_ratio": [1.0, 0.5]},
}


@dataclass(frozen=True, eq=False)
class Searched:
    """What a search left behind."""

    table: pd.DataFrame
    driver: Driver
    study: object


@pytest.fixture(scope="session")
def search(tmp_path_factory):
    """A function that searches a space, in this process, all with one store."""
    with Store(tmp_path_factory.mktemp("store") / "points.sqlite") as store:
        yield lambda space: run_search(space, store)


def run_search(space, store, *, pool=None, most_batches=None):
    work = workload(space, None)
    pricer = Pricer(load_technology(space.base.technology), space.base.target)
    driver = Driver(
        space, work, store=store, pool=pool or InProcessPool(), progress=lambda *_: None
    )
    chooser, rows, batches = proposals(space), [], 0
    while (batch := chooser.batch()) and (most_batches is None or batches < most_batches):
        judged = driver.evaluate(batch)
        chooser.tell([driver.judgement(row, pricer) for row in judged])
        rows += judged
        batches += 1
    rows = list({row.key: row for row in rows}.values())
    return Searched(points_table(space, rows, pricer), driver, chooser.study)


@pytest.fixture(scope="session")
def grid_space():
    return Space.model_validate(GRID)


@pytest.fixture(scope="session")
def grid(search, grid_space):
    """All 200 points, as the grid search has them."""
    return search(grid_space)
