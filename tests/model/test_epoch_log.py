"""The log grows by epochs, each once."""

import pandas as pd
import pytest

from model.epoch_log import EPOCHS, LAYERS, EpochLog
from sparsespike.contract.errors import ContractError

FIGURES = {
    "time_steps": 2,
    "loss": 1.5,
    "accuracy_train": 0.25,
    "accuracy_test": None,
    "seconds": 3.0,
    "learning_rate": 1e-3,
    "weight_sparsity": 0.0,
}
ONE = {
    "conv0": {"firing_rate": 0.1, "density": 1.0},
    "block.0.attn": {"firing_rate": 0.2, "density": None},
    "head": {"firing_rate": None, "density": 0.5},
}


def frames(folder):
    return pd.read_parquet(folder / EPOCHS), pd.read_parquet(folder / LAYERS)


def test_rows_are_tidy_and_in_order(tmp_path):
    log = EpochLog(tmp_path)
    log.add("dense0", 0, FIGURES, ONE)
    log.add("dense0", 1, {**FIGURES, "accuracy_test": 0.5}, ONE)
    epochs, layers = frames(tmp_path)
    assert list(epochs.columns) == ["stage", "epoch", *FIGURES]
    assert epochs["epoch"].tolist() == [0, 1]
    assert epochs["accuracy_test"].isna().tolist() == [True, False]
    assert list(layers.columns) == ["stage", "epoch", "layer", "firing_rate", "density"]
    assert layers["layer"].tolist() == [*ONE, *ONE]
    assert layers["density"].isna().sum() == 2


def test_an_epoch_is_replaced_not_doubled(tmp_path):
    EpochLog(tmp_path).add("dense0", 0, FIGURES, ONE)
    log = EpochLog(tmp_path)
    assert log.has("dense0", 0)
    assert not log.has("dense0", 1)
    assert not log.has("round0", 0)
    log.add("dense0", 0, {**FIGURES, "loss": 1.0}, ONE)
    log.add("round0", 0, FIGURES, ONE)
    epochs, layers = frames(tmp_path)
    assert epochs["loss"].tolist() == [1.0, 1.5]
    assert len(layers) == 2 * len(ONE)


def test_the_row_of_an_epoch_comes_after_its_layers(tmp_path, monkeypatch):
    log = EpochLog(tmp_path)
    written = []
    monkeypatch.setattr(
        "model.epoch_log.write_atomically", lambda path, _data: written.append(path.name)
    )
    log.add("dense0", 0, FIGURES, ONE)
    assert written == [LAYERS, EPOCHS]


def test_a_file_that_is_no_log_is_refused(tmp_path):
    (tmp_path / EPOCHS).write_bytes(b"PAR1")
    with pytest.raises(ContractError, match=r"log\.parquet: not a readable log; remove it"):
        EpochLog(tmp_path)
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / EPOCHS)
    with pytest.raises(ContractError, match=r"log\.parquet: columns are not those of a log"):
        EpochLog(tmp_path)
