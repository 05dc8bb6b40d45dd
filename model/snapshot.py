"""Training state on disk, whole or not at all."""

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from sparsespike.contract.errors import ContractError
from sparsespike.contract.files import write_atomically

Snapshot = dict[str, Any]
"""Tensors, numbers and plain containers."""


def save_snapshot(state: Snapshot, path: Path) -> None:
    """Write `state` beside `path`, then move it into place: a kill leaves the old or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomically(path, buffer.getvalue())


def load_snapshot(path: Path | None) -> Snapshot | None:
    """The state at `path`, None where there is none; ContractError if it cannot be read."""
    if path is None or not path.exists():
        return None
    data = io.BytesIO(path.read_bytes())
    try:
        return torch.load(data, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise ContractError(
            f"{path}: not a training snapshot; delete it to start this stage again"
        ) from error
