"""The search in an Optuna storage on disk or in a database, for optuna-dashboard."""

import contextlib
from pathlib import Path

import optuna
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import LOCK_FILE_SUFFIX

from reports.explore.proposals import directions, study_name
from reports.explore.space import Space
from sparsespike.contract.errors import ContractError


def open_storage(where: str) -> optuna.storages.BaseStorage:
    """The storage at a database URL (`sqlite:///study.db`, `postgresql://...`) or journal file.

    ContractError where it cannot be opened.
    """
    try:
        if "://" in where:
            return optuna.storages.RDBStorage(where)
        path = Path(where)
        _mend_journal(path)
        return optuna.storages.JournalStorage(JournalFileBackend(str(path)))
    except Exception as error:  # SQLAlchemy's drivers raise whatever they like
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ContractError(
            f"--storage {where}: cannot be opened ({reason}): give a journal file or a database "
            "URL such as sqlite:///study.db"
        ) from None


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
        Path(f"{path}{LOCK_FILE_SUFFIX}").unlink()
    if not path.is_file():
        return
    with path.open("r+b") as file:
        text = file.read()
        whole = text.rfind(b"\n") + 1
        if whole < len(text):
            file.truncate(whole)
