"""The folder of a training: what made its files, one process at a time, nothing mixed."""

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sparsespike.contract.errors import ContractError
from sparsespike.contract.files import write_atomically

RECORD = "run.json"
_LOCK = ".lock"

Identity = Mapping[str, str | int | bool]
"""What decides the weights that a command arrives at, by the name of its option."""


class RunFolder:
    """A folder as one command sees it, and its run.json: identity and result of every command.

    snapshots: pattern of the command's own snapshots, which no folder may hold without a record.
    """

    def __init__(self, path: Path, command: str, identity: Identity, snapshots: str) -> None:
        self.path = path
        self._command, self._identity, self._snapshots = command, identity, snapshots

    def check(self) -> None:
        """ContractError if the command has been run here with another identity."""
        found = self._record().get(self._command, {}).get("identity")
        if found is None:
            self._require_no_snapshots()
            return
        for name, value in self._identity.items():
            if found.get(name) != value:
                raise ContractError(
                    f"--out {self.path}: `{self._command}` was run here with {name} "
                    f"{found.get(name)}, not {value}; use the same again or choose another folder"
                )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder, check and store the identity, keep other processes out.

        Removes what a killed process left half-written. ContractError if another one is in there.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with open(self.path / _LOCK, "w") as lock:
            _claim(lock.fileno(), self.path)
            for partial in self.path.glob("*.tmp"):
                shutil.rmtree(partial) if partial.is_dir() else partial.unlink()
            self.check()
            self._store(identity=dict(self._identity))
            yield

    def result(self) -> dict[str, Any] | None:
        """The result of the command, None until it is finished."""
        found: dict[str, Any] | None = self._record().get(self._command, {}).get("result")
        return found

    def finish(self, result: Mapping[str, Any]) -> None:
        """Store the result of the command."""
        self._store(result=dict(result))

    def _require_no_snapshots(self) -> None:
        strangers = sorted(file.name for file in self.path.glob(self._snapshots))
        if strangers:
            raise ContractError(
                f"--out {self.path}: holds {strangers[0]}, but no {RECORD} says what made it; "
                "choose another folder or remove the file"
            )

    def _store(self, **entries: dict[str, Any]) -> None:
        record = self._record()
        record[self._command] = {**record.get(self._command, {}), **entries}
        text = json.dumps(record, indent=2) + "\n"
        write_atomically(self.path / RECORD, text.encode())

    def _record(self) -> dict[str, Any]:
        path = self.path / RECORD
        if not path.exists():
            return {}
        try:
            record = json.loads(path.read_bytes())
        except ValueError as error:
            raise ContractError(f"{path}: not JSON ({error}); choose another folder") from error
        if not isinstance(record, dict):
            raise ContractError(f"{path}: not the record of a training; choose another folder")
        return record


def _claim(descriptor: int, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # not on Windows: two processes there are the user's care
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ContractError(
            f"--out {path}: another process trains into it; wait for it or choose another folder"
        ) from error
