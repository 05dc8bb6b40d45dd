"""The outcomes on disk: written one by one, so that a kill loses none that was reported done."""

import fcntl
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Self

from reports.explore.outcome import Outcome, Score
from sparsespike.contract.errors import ContractError

_TABLES = (
    "create table if not exists outcomes (key text primary key, record text not null)",
    "create table if not exists scores "
    "(key text primary key, correct integer not null, images integer not null)",
    "create table if not exists checks (key text primary key, record text not null)",
)


class Store:
    """Outcomes, accuracies and RTL checks by key, in one SQLite file that one process has open.

    Nothing is ever overwritten: to store a key twice is an error of the program.
    """

    def __init__(self, path: Path) -> None:
        """Opens or makes the file. ContractError if another run has it, or it is none of ours."""
        self._lock = path.with_name(path.name + ".lock").open("w")
        try:
            # The kernel gives the lock back however this process ends.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise ContractError(
                f"{path}: another exploration is writing here: wait for it, or choose --output"
            ) from None
        try:
            self._file = sqlite3.connect(path)
            # One process alone, and a log that needs no flush to disk for every outcome: what is
            # stored survives the death of the process at any moment.
            self._file.execute("pragma locking_mode = exclusive")
            self._file.execute("pragma journal_mode = wal")
            self._file.execute("pragma synchronous = normal")
            for table in _TABLES:
                self._file.execute(table)
        except sqlite3.DatabaseError as error:
            self._lock.close()
            raise ContractError(
                f"{path}: not a store of outcomes ({error}): remove it or choose --output"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the file to others."""
        self._file.close()
        self._lock.close()

    def outcome(self, key: str) -> Outcome | None:
        """The outcome stored under `key`."""
        row = self._file.execute("select record from outcomes where key = ?", (key,)).fetchone()
        return None if row is None else Outcome.from_json(row[0])

    def put_outcome(self, key: str, outcome: Outcome) -> None:
        """Stores an outcome; it is safe once this returns."""
        with self._file:
            self._file.execute("insert into outcomes values (?, ?)", (key, outcome.to_json()))

    def score(self, key: str) -> Score | None:
        """The accuracy stored under `key`."""
        found = self._file.execute("select correct, images from scores where key = ?", (key,))
        row = found.fetchone()
        return None if row is None else Score(*row)

    def put_score(self, key: str, score: Score) -> None:
        """Stores an accuracy."""
        with self._file:
            self._file.execute("insert into scores values (?, ?, ?)",
                               (key, score.right, score.images))  # fmt: skip

    def check(self, key: str) -> str | None:
        """The JSON of the RTL check of the outcome `key`."""
        row = self._file.execute("select record from checks where key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def put_check(self, key: str, record: str) -> None:
        """Stores the RTL check of an outcome, in place of an older one."""
        with self._file:
            self._file.execute("insert or replace into checks values (?, ?)", (key, record))

    def mean_seconds(self) -> float | None:
        """Mean seconds of the evaluations so far, refused points apart; None without any."""
        row = self._file.execute(
            "select avg(json_extract(record, '$.seconds')) from outcomes "
            "where json_extract(record, '$.reason') = ''"
        ).fetchone()
        return None if row[0] is None else float(row[0])
