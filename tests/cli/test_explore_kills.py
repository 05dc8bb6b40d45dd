"""Drivers and workers killed at random: nothing reported done is lost or evaluated twice.

EXPLORE_KILLS=20 kills more often than the suite has time for (`make explore-kills`).
"""

import json
import logging
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

import pandas as pd
import psutil
import pytest

KILLS = int(os.environ.get("EXPLORE_KILLS", "3"))
PATIENCE_SECONDS = 600
SPACE = """\
[base]
network = "tiny"
engine = "micro"
images = 4
accuracy_images = 16
[engine]
lanes = [1, 2, 3, 4, 6, 8]
chunk = [4, 8, 16]
fifo_depth = { from = 1, to = 12, step = 1 }
memory_interval = [1, 4]
"""
POINTS = 6 * 3 * 12 * 2
START = "import sys; from sparsespike.cli.main import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def words(tmp_path):
    (tmp_path / "mine.toml").write_text(SPACE)
    return ["explore", str(tmp_path / "mine.toml")]


def _start(words):
    with open(f"{words[1]}.log", "w") as log:
        # A background job of a shell ignores SIGINT, and so would its children.
        return subprocess.Popen(
            [sys.executable, "-c", START, *words],
            stdout=subprocess.DEVNULL,
            stderr=log,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )


def _log(words):
    with open(f"{words[1]}.log") as log:
        return log.read()


def _rows(folder):
    """Outcomes on disk, once no process has them open."""
    if not (folder / "points.sqlite").is_file():
        return {}
    file = sqlite3.connect(folder / "points.sqlite")
    try:
        return dict(file.execute("select key, record from outcomes"))
    finally:
        file.close()


def _wait_for_progress(driver, folder, pages):
    """Until the store's log has grown by some pages, or the driver has ended."""
    log = folder / "points.sqlite-wal"
    start = log.stat().st_size if log.is_file() else 0
    deadline = time.monotonic() + PATIENCE_SECONDS
    while driver.poll() is None and time.monotonic() < deadline:
        if log.is_file() and log.stat().st_size >= start + pages * 4096:
            return
        time.sleep(0.01)
    assert time.monotonic() < deadline


def _workers(driver):
    children = psutil.Process(driver.pid).children(recursive=True)
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def test_kills_cost_nothing_that_was_done(words, tmp_path):
    rng = random.Random(KILLS)
    folder = tmp_path / "killed"
    done, driver, driver_kills, worker_kills = {}, None, 0, 0
    for index in range(KILLS):
        if driver is None or driver.poll() is not None:
            driver = _start([*words, "-o", str(folder), "--workers", "2"])
        _wait_for_progress(driver, folder, rng.randint(4, 1 + 2 * POINTS // KILLS))
        workers = _workers(driver) if driver.poll() is None else []
        if index % 2 and workers:
            rng.choice(workers).send_signal(signal.SIGKILL)
            worker_kills += 1
            continue
        driver.kill()
        driver.wait()
        driver = None
        driver_kills += 1
        now = _rows(folder)
        assert done.items() <= now.items()
        done = now
    if driver is not None:
        assert driver.wait(PATIENCE_SECONDS) == 0, _log(words)
        now = _rows(folder)
        assert done.items() <= now.items()
        done = now
    last = _start([*words, "-o", str(folder), "--workers", "2", "--json", f"{tmp_path}/last.json"])
    assert last.wait(PATIENCE_SECONDS) == 0, _log(words)
    result = json.loads((tmp_path / "last.json").read_text())
    assert result["evaluated"] == POINTS
    assert result["new"] == POINTS - len(done)
    assert len(_rows(folder)) == POINTS
    whole = _start([*words, "-o", str(tmp_path / "whole"), "--workers", "0"])
    assert whole.wait(PATIENCE_SECONDS) == 0, _log(words)
    pd.testing.assert_frame_equal(
        pd.read_parquet(folder / "points.parquet"),
        pd.read_parquet(tmp_path / "whole" / "points.parquet"),
    )
    assert driver_kills >= 1
    assert worker_kills >= 1
    print(f"{driver_kills} drivers and {worker_kills} workers killed")


def test_a_cluster_gives_the_same_table(words, tmp_path):
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.ERROR,
    ) as cluster:
        address = cluster.scheduler_address
        driver = _start([*words, "-o", str(tmp_path / "far"), "--scheduler", address])
        assert driver.wait(PATIENCE_SECONDS) == 0, _log(words)
    near = _start([*words, "-o", str(tmp_path / "near"), "--workers", "0"])
    assert near.wait(PATIENCE_SECONDS) == 0, _log(words)
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "far" / "points.parquet"),
        pd.read_parquet(tmp_path / "near" / "points.parquet"),
    )


def test_ctrl_c_keeps_everything(words, tmp_path):
    folder = tmp_path / "stopped"
    driver = _start([*words, "-o", str(folder), "--workers", "0"])
    _wait_for_progress(driver, folder, 20)
    driver.send_signal(signal.SIGINT)
    assert driver.wait(PATIENCE_SECONDS) == 130
    assert "the same command goes on from here" in _log(words)
    assert 0 < len(_rows(folder)) < POINTS
