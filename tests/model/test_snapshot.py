"""A snapshot is the old one or the new one, whatever happens while it is written."""

import os

import pytest
import torch

from model.snapshot import load_snapshot, save_snapshot
from sparsespike.contract import files
from sparsespike.contract.errors import ContractError

OLD, NEW = {"step": 1, "w": torch.ones(1000)}, {"step": 2, "w": torch.zeros(1000)}


class DiskError(OSError):
    pass


def fail(*_args, **_kwargs):
    raise DiskError


def short_write(handle, *args):
    """A file that takes the first 100 bytes and then fails."""

    class Short:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            os.close(handle)

        def write(self, data):
            os.write(handle, data[:100])
            raise DiskError

    return Short()


@pytest.mark.parametrize("name, broken", [("replace", fail), ("fdopen", short_write)])
def test_a_failed_save_leaves_the_old_snapshot(tmp_path, monkeypatch, name, broken):
    path = tmp_path / "s.pt"
    save_snapshot(OLD, path)
    monkeypatch.setattr(files.os, name, broken)
    with pytest.raises(DiskError):
        save_snapshot(NEW, path)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == [path]
    kept = load_snapshot(path)
    assert kept["step"] == 1
    assert torch.equal(kept["w"], OLD["w"])
    save_snapshot(NEW, path)
    assert load_snapshot(path)["step"] == 2


def test_no_snapshot_is_none(tmp_path):
    assert load_snapshot(None) is None
    assert load_snapshot(tmp_path / "s.pt") is None


@pytest.mark.parametrize("size", [0, 100, -1])
def test_a_damaged_snapshot_is_refused(tmp_path, size):
    path = tmp_path / "s.pt"
    save_snapshot(OLD, path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ContractError, match=r"s\.pt: not a training snapshot; delete it"):
        load_snapshot(path)
