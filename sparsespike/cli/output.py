"""Files that a command writes: refused before work begins, never left half-written."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparsespike.contract.errors import ContractError
from sparsespike.contract.files import write_atomically


def require_writable_file(path: Path, *, option: str) -> None:
    """Refuse an output file that could not be written; leaves nothing behind."""
    if path.is_dir():
        raise ContractError(f"{option} {path}: is a folder: give a file name inside it")
    if path.exists() and not path.is_file():
        raise ContractError(f"{option} {path}: is not a regular file: choose another name")
    folder = path.parent
    if not folder.exists():
        raise ContractError(f"{option} {path}: folder {folder} does not exist: create it first")
    if not folder.is_dir():
        raise ContractError(f"{option} {path}: {folder} is a file, not a folder: choose another")
    _require_writable_folder(folder, f"{option} {path}")


def require_writable_directory(path: Path, *, option: str) -> None:
    """Refuse an output folder that could not be written; does not create it."""
    existing = path
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise ContractError(f"{option} {path}: {existing} is a file: choose another folder")
    _require_writable_folder(existing, f"{option} {path}")


def output_file(path: Path | None, *, default: str) -> Path:
    """The file that `--output` names, checked; without one, `default` in the folder build/."""
    if path is None:
        path = Path("build") / default
        require_writable_directory(path.parent, option="--output")
        if not path.parent.exists():
            return path
    require_writable_file(path, option="--output")
    return path


def write_json(path: Path, result: Mapping[str, Any]) -> None:
    """Write `result` as indented JSON, atomically; NaN is an error, not a token."""
    text = json.dumps(result, indent=2, allow_nan=False) + "\n"
    write_atomically(path, text.encode())


def _require_writable_folder(folder: Path, what: str) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = (error.strerror or "not writable").lower()
        raise ContractError(
            f"{what}: cannot write in {folder} ({reason}): choose another"
        ) from None
