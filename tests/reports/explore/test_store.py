"""What is stored stays, once; a torn journal is mended; a dead worker costs a second try."""

import json
import os
import sqlite3
import time

import optuna
import pytest

from reports.explore.dask_pool import DaskPool
from reports.explore.mirror import Mirror, open_storage
from reports.explore.outcome import Outcome, Score, outcome_key, score_key
from reports.explore.pool import Shared, Task
from reports.explore.proposals import proposals
from reports.explore.space import Space
from reports.explore.store import Store
from sparsespike.contract.errors import ContractError

OUTCOME = Outcome(counters=((1, 2), (3, 4)), program_hash="ab", seconds=0.5)


def test_an_outcome_comes_back_and_stays(tmp_path):
    with Store(tmp_path / "points.sqlite") as store:
        assert store.outcome("k") is None
        assert store.mean_seconds() is None
        store.put_outcome("k", OUTCOME)
        store.put_outcome("r", Outcome(reason="too small", seconds=9.0))
        store.put_score("s", Score(3, 4))
    with Store(tmp_path / "points.sqlite") as store:
        assert store.outcome("k") == OUTCOME
        assert store.outcome("r").reason == "too small"
        assert store.score("s") == Score(3, 4)
        assert store.mean_seconds() == 0.5
        with pytest.raises(sqlite3.IntegrityError):
            store.put_outcome("k", OUTCOME)


def test_one_process_at_a_time(tmp_path):
    with (
        Store(tmp_path / "points.sqlite"),
        pytest.raises(ContractError, match=r"another exploration.*--output"),
    ):
        Store(tmp_path / "points.sqlite")


def test_a_file_of_something_else(tmp_path):
    (tmp_path / "points.sqlite").write_text("no database, but a text that is long enough" * 40)
    with pytest.raises(ContractError, match=r"not a store of outcomes"):
        Store(tmp_path / "points.sqlite")


def test_a_key_depends_on_all_that_decides():
    parts = {"engine": "e", "network": "n", "images": "i", "code": "c"}
    keys = {outcome_key(**parts)} | {outcome_key(**parts | {name: "x"}) for name in parts}
    assert len(keys) == 5
    assert score_key(network="n", images="i", code="c") not in keys


@pytest.fixture
def space():
    return Space.model_validate(
        {"name": "m", "objectives": ["fps", "lut"], "engine": {"lanes": [1, 2, 4, 8]}}
    )


def _told(space):
    chooser = proposals(space)
    points = chooser.batch()
    judgements = [[float(point.values[0]), 2.0] for point in points]
    chooser.tell([*judgements[:-1], "no room"])
    return chooser.study


def test_the_mirror_copies_each_trial_once(space, tmp_path):
    path = tmp_path / "study.journal"
    for _ in range(2):
        Mirror(space, open_storage(str(path))).update(_told(space))
    study = optuna.load_study(study_name=None, storage=open_storage(str(path)))
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 3 + ["FAIL"]
    assert study.trials[3].user_attrs["reason"] == "no room"
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]


def test_a_journal_torn_by_a_kill_is_mended(space, tmp_path):
    path = tmp_path / "study.journal"
    Mirror(space, open_storage(str(path))).update(_told(space))
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][:20])
    (tmp_path / "study.journal.lock").symlink_to(path)
    Mirror(space, open_storage(str(path))).update(_told(space))
    assert len([json.loads(line) for line in path.read_bytes().splitlines()]) >= len(lines)
    study = optuna.load_study(study_name=None, storage=open_storage(str(path)))
    assert len(study.trials) == 4


@pytest.mark.parametrize("where", ["nosuch://x/y", "sqlite:////nowhere/study.db"])
def test_a_storage_that_is_none(where):
    with pytest.raises(ContractError, match=r"--storage .*give a journal file"):
        open_storage(where)


def test_a_dead_worker_costs_its_task_a_second_try(tmp_path):
    pool = DaskPool(workers=1)
    try:
        assert pool.slots() == 1
        shared = Shared("folder", str(tmp_path))
        # A function of the standard library: workers cannot import this file.
        pool.submit(Task("one", divmod, Shared("seven", 7), (2,)), 0)
        assert pool.finished() == ("one", (3, 1), False)
        names = {"path": f"{tmp_path}/marker"}
        pool.submit(Task("dies", exec, Shared("code", _KILL), (names,)), 0)
        pool.submit(Task("lives", os.path.basename, shared, ()), 0)
        done = {pool.finished().key for _ in range(2)}
        assert done == {"dies", "lives"}
        assert (tmp_path / "marker").exists()
        pool.submit(Task("raises", divmod, Shared("seven", 7), (0,)), 0)
        with pytest.raises(ZeroDivisionError):
            pool.finished()
    finally:
        pool.close()


_KILL = """
import os, signal
if not os.path.exists(path):
    open(path, "w").close()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_no_scheduler_answers(monkeypatch):
    monkeypatch.setattr("reports.explore.dask_pool._PATIENCE_SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(ContractError, match=r"--scheduler tcp://127.0.0.1:9: .*check the address"):
        DaskPool(scheduler="tcp://127.0.0.1:9")
    assert time.monotonic() - started < 60
