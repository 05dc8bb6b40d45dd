"""One exploration from start to page: workload, pool, search, checks, files."""

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import typer

from reports.explore.driver import Advance, Driver, Workload
from reports.explore.importance import importance
from reports.explore.mirror import Mirror, open_storage
from reports.explore.page import render_page
from reports.explore.point import Point
from reports.explore.pool import InProcessPool, Pool
from reports.explore.proposals import proposals
from reports.explore.results import Exploration, with_surroundings
from reports.explore.space import Space
from reports.explore.store import Store
from reports.explore.table import Evaluated, Pricer, best_row, points_table
from reports.technology import load_technology
from sparsespike.cli.explore_code import code_version
from sparsespike.cli.explore_evaluate import classify, evaluate
from sparsespike.cli.explore_json import json_result
from sparsespike.cli.explore_networks import NetworkVariants
from sparsespike.cli.explore_plan import Plan, plan
from sparsespike.cli.explore_verify import verify_front
from sparsespike.cli.inputs import load_images
from sparsespike.cli.meta import meta
from sparsespike.cli.progress import progress
from sparsespike.contract.errors import ContractError
from sparsespike.contract.files import write_atomically

_NEWS_SECONDS = 30


@dataclass(frozen=True)
class Options:
    """How a space is explored, and where its results are kept."""

    folder: Path
    workers: int | None = None
    scheduler: str | None = None
    storage: str | None = None
    data: Path | None = None
    verify: int = 0


def announce(space: Space, options: Options) -> Plan:
    """Prints what the exploration would take, and changes nothing."""
    work = workload(space, options.data)
    file = options.folder / "points.sqlite"
    workers = _workers(options)
    if file.is_file():
        with Store(file) as store:
            driver = _driver(space, work, store, InProcessPool(), _silent)
            made = plan(space, work, driver=driver, store=store, workers=workers)
    else:
        made = plan(space, work, driver=None, store=None, workers=workers)
    typer.echo(made.line(space))
    return made


def explore(space: Space, options: Options) -> dict[str, Any]:
    """Runs or resumes the exploration; returns its JSON form. Files go to `options.folder`."""
    pricer = Pricer(load_technology(space.base.technology), space.base.target)
    work = workload(space, options.data)
    options.folder.mkdir(parents=True, exist_ok=True)
    with Store(options.folder / "points.sqlite") as store:
        storage = open_storage(options.storage or str(options.folder / "study.journal"))
        mirror = Mirror(space, storage)
        idle = _driver(space, work, store, InProcessPool(), _silent)
        made = plan(space, work, driver=idle, store=store, workers=_workers(options))
        typer.echo(made.line(space), err=True)
        pool = _pool(options)
        try:
            with _news(made.points) as advance:
                driver = _driver(space, work, store, pool, advance)
                found, seconds = _search(space, driver, pricer, mirror, options.folder)
        finally:
            pool.close()
        checks = verify_front(
            found, options.verify, network=driver.network, images=work.images, store=store,
            build_dir=(options.folder / "rtl").resolve(),
        ) if options.verify else []  # fmt: skip
    facts = {
        **meta(network_hash=driver.network(found.points[0]).content_hash(), seed=space.search.seed),
        "space_hash": space.hash,
        "code_version": work.code,
        "images_hash": work.images_hash,
        "technology": space.base.technology,
        "target": space.base.target,
    }
    found = Exploration(
        space, found.table, found.points, found.best, found.sensitivity, found.importance,
        checks, facts,
    )  # fmt: skip
    _write(found, options.folder)
    rate = driver.tally.new / seconds if driver.tally.new else 0.0
    return json_result(found, driver.tally, rate=rate, folder=options.folder)


def workload(space: Space, data: Path | None) -> Workload:
    """Network, images and functions of a space. ContractError for what is not there."""
    networks = NetworkVariants(space.base.network)
    own = networks.variant({})
    images = load_images(data, space.base.images, own.config).images
    everything = load_images(data, None, own.config)
    count = space.base.accuracy_images
    shown, labels = everything.images[:count], everything.labels[:count]
    known = labels >= 0
    if "accuracy_drop" in {*space.objectives, *space.limits} and not known.any():
        raise ContractError("accuracy_drop: the images have no labels: choose another --data")
    return Workload(
        networks=networks,
        evaluate=evaluate,
        classify=classify,
        images=images,
        images_hash=_hash(images),
        labelled=shown[known],
        labels=labels[known].astype(np.int64),
        labelled_hash=_hash(shown[known], labels[known]),
        code=code_version(),
    )


def _search(
    space: Space, driver: Driver, pricer: Pricer, mirror: Mirror, folder: Path
) -> tuple[Exploration, float]:
    """The search, then the surroundings of its best point; seconds of both."""
    chooser = proposals(space)
    rows: list[Evaluated] = []
    batch: list[Point] = []
    started = time.perf_counter()
    try:
        while batch := chooser.batch():
            judged = driver.evaluate(batch)
            rows += judged
            chooser.tell([driver.judgement(row, pricer) for row in judged])
            mirror.update(chooser.study)
        table, rows, around = with_surroundings(space, rows, driver=driver, pricer=pricer)
    except KeyboardInterrupt:
        # Also those of the batch that was not finished.
        rows += driver.recorded(batch)
        kept = list({row.key: row for row in rows}.values())
        if kept:
            _write_table(points_table(space, kept, pricer), folder)
        typer.echo(
            f"stopped: {len(driver.tally.keys):,} points are kept in {folder}; "
            "the same command goes on from here",
            err=True,
        )
        raise
    seconds = time.perf_counter() - started
    best = best_row(space, table)
    points: list[Point] = [row.point for row in rows]
    shares = importance(space, table)
    return Exploration(space, table, points, best, around, shares), seconds


def _write(found: Exploration, folder: Path) -> None:
    _write_table(found.table, folder)
    found.sensitivity.to_parquet(folder / "sensitivity.parquet", index=False)
    found.importance.to_parquet(folder / "importance.parquet", index=False)
    write_atomically(folder / "report.html", render_page(found).encode())


def _write_table(table: Any, folder: Path) -> None:
    table.to_parquet(folder / "points.parquet", index=False)


def _driver(space: Space, work: Workload, store: Store, pool: Pool, advance: Advance) -> Driver:
    return Driver(space, work, store=store, pool=pool, progress=advance)


def _pool(options: Options) -> Pool:
    if options.workers == 0:
        return InProcessPool()
    from reports.explore.dask_pool import DaskPool

    return DaskPool(workers=_workers(options), scheduler=options.scheduler)


def _workers(options: Options) -> int:
    """Processes expected to work; those of a remote scheduler are not known, so one is assumed."""
    if options.scheduler is not None:
        return 1
    if options.workers is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return max(1, options.workers)


@contextmanager
def _news(total: int) -> Iterator[Advance]:
    """A bar with the time left on a terminal, a line every half minute elsewhere."""
    with progress("explore", total=total) as bar:
        done, started = 0, time.monotonic()
        last = started

        def advance(points: int, what: str) -> None:
            nonlocal done, last
            done += points
            bar(min(done, total), total)
            if not sys.stderr.isatty() and time.monotonic() - last > _NEWS_SECONDS:
                last = time.monotonic()
                left = (last - started) / max(done, 1) * max(total - done, 0) / 60
                line = f"{done:,} of {total:,} points, {left:.1f} min left"
                print(line, file=sys.stderr, flush=True)

        yield advance


def _silent(points: int, what: str) -> None:
    """No progress."""


def _hash(*arrays: Any) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape};".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
