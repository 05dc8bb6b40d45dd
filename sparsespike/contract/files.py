"""Files are written beside their place and renamed, so that none is ever seen half-written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def write_atomically(path: str | Path, data: bytes) -> None:
    """Writes `data` to `path` through a temporary file in the same folder. Raises OSError."""
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def save_atomically(path: Path, save: Callable[[Path], object]) -> None:
    """Let `save` fill a file of the same name in a folder beside `path`, then move it into place.

    Makes the folder of `path` where it is missing. Raises OSError, and what `save` raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as folder:
        temporary = Path(folder) / path.name
        save(temporary)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
