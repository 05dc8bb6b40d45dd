"""The log of a training: two tidy tables that grow by an epoch at a time, never half-written."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from sparsespike.contract.errors import ContractError
from sparsespike.contract.files import write_atomically

EPOCHS, LAYERS = "log.parquet", "layers.parquet"

_KEY = [("stage", pa.string()), ("epoch", pa.int64())]
_EPOCHS = pa.schema(
    [
        *_KEY,
        ("time_steps", pa.int64()),
        ("loss", pa.float64()),
        ("accuracy_train", pa.float64()),
        ("accuracy_test", pa.float64()),
        ("seconds", pa.float64()),
        ("learning_rate", pa.float64()),
        ("weight_sparsity", pa.float64()),
    ]
)
_LAYERS = pa.schema(
    [*_KEY, ("layer", pa.string()), ("firing_rate", pa.float64()), ("density", pa.float64())]
)


class EpochLog:
    """Rows of `folder`/log.parquet, one an epoch, and layers.parquet, one an epoch and layer.

    Fractions are 0..1; null is what was not measured or does not exist. What an epoch adds
    replaces what an earlier run added for it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._epochs = _read(folder / EPOCHS, _EPOCHS)
        self._layers = _read(folder / LAYERS, _LAYERS)

    def has(self, stage: str, epoch: int) -> bool:
        """Whether the epoch has its row."""
        return any(_key(row) == (stage, epoch) for row in self._epochs)

    def add(
        self,
        stage: str,
        epoch: int,
        figures: Mapping[str, float | None],
        layers: Mapping[str, Mapping[str, float | None]],
    ) -> None:
        """Write one epoch: its `figures` by column, and those of its `layers` likewise."""
        key = {"stage": stage, "epoch": epoch}
        self._layers = [row for row in self._layers if _key(row) != (stage, epoch)]
        self._layers += [{**key, "layer": name, **columns} for name, columns in layers.items()]
        self._epochs = [row for row in self._epochs if _key(row) != (stage, epoch)]
        self._epochs.append({**key, **figures})
        _write(self._folder / LAYERS, self._layers, _LAYERS)
        _write(self._folder / EPOCHS, self._epochs, _EPOCHS)  # last: its row says that all is there


def _key(row: Mapping[str, Any]) -> tuple[str, int]:
    return row["stage"], row["epoch"]


def _read(path: Path, schema: pa.Schema) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        table = parquet.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise ContractError(f"{path}: not a readable log; remove it") from error
    if table.schema.names != schema.names:
        raise ContractError(f"{path}: columns are not those of a log; remove it")
    return table.to_pylist()


def _write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    buffer = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), buffer)
    write_atomically(path, buffer.getvalue())
