"""The search in an Optuna storage on disk or in a database, for optuna-dashboard."""

import contextlib
import json
from pathlib import Path
from typing import Any

import optuna
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from reports.explore.proposals import directions, study_name
from reports.explore.space import Space
from sparsespike.contract.errors import ContractError


def open_storage(where: str) -> optuna.storages.BaseStorage:
    """The storage at a database URL (`sqlite:///study.db`, `postgresql://...`) or journal file.

    ContractError where it cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        if "://" in where:
            return optuna.storages.RDBStorage(where)
        path = Path(where)
        _mend_journal(path)
        return optuna.storages.JournalStorage(_Journal(path))
    except Exception as error:  # SQLAlchemy's drivers raise whatever they like
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ContractError(
            f"--storage {where}: cannot be opened ({reason}): give a journal file or a database "
            "URL such as sqlite:///study.db"
        ) from None


class _Journal(JournalFileBackend):
    """A journal that leaves it to the system when a line reaches the disk.

    It is a copy that can be made again; a flush for every trial would stop the search each time.
    """

    def __init__(self, path: Path) -> None:
        self._own_lock = JournalFileSymlinkLock(str(path))
        self._path = path
        super().__init__(str(path), self._own_lock)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        self._own_lock.acquire()
        try:
            with self._path.open("ab") as file:
                file.write(text.encode())
        finally:
            self._own_lock.release()


class Mirror:
    """Copies the finished trials of a study in memory into a storage, each of them once."""

    def __init__(self, space: Space, storage: optuna.storages.BaseStorage) -> None:
        self._study = optuna.create_study(
            storage=storage,
            study_name=study_name(space),
            directions=directions(space),
            load_if_exists=True,
        )
        self._copied = len(self._study.get_trials(deepcopy=False))

    def update(self, study: optuna.Study) -> None:
        """Adds the trials of `study` that are finished and not yet copied, in order."""
        for trial in study.get_trials(deepcopy=False)[self._copied :]:
            if not trial.state.is_finished():
                return
            self._study.add_trial(trial)
            self._copied += 1


def _mend_journal(path: Path) -> None:
    """Removes what a killed process left behind: half a line at the end, and its lock.

    The caller holds the run's own lock, so no other process writes here.
    """
    with contextlib.suppress(FileNotFoundError):
        Path(f"{path}.lock").unlink()
    if not path.is_file():
        return
    with path.open("r+b") as file:
        text = file.read()
        whole = text.rfind(b"\n") + 1
        if whole < len(text):
            file.truncate(whole)
