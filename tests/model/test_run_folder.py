"""A training folder belongs to one recipe, seed and process at a time."""

import subprocess
import sys

import pytest

from model.run_folder import RECORD, RunFolder
from sparsespike.contract.errors import ContractError

IDENTITY = {"recipe": "abc", "seed": 0}


def folder_of(path, identity=IDENTITY, command="train"):
    return RunFolder(path, command, identity, "dense*.pt")


def test_a_result_is_kept_per_command(tmp_path):
    path = tmp_path / "a" / "run"
    one, other = folder_of(path), folder_of(path, {"seed": 7}, "prune")
    assert one.result() is None
    with one.locked():
        one.finish({"accuracy": 0.5})
    with other.locked():
        other.finish({"accuracy": 0.4})
    assert folder_of(path).result() == {"accuracy": 0.5}
    assert other.result() == {"accuracy": 0.4}
    with one.locked():
        assert one.result() == {"accuracy": 0.5}


@pytest.mark.parametrize(
    "identity, words",
    [
        ({"recipe": "abc", "seed": 1}, "with seed 0, not 1"),
        ({"recipe": "xyz", "seed": 0}, "with recipe abc, not xyz"),
        ({"recipe": "abc", "seed": 0, "bf16": True}, "with bf16 None, not True"),
    ],
)
def test_another_identity_is_refused(tmp_path, identity, words):
    with folder_of(tmp_path).locked():
        pass
    folder_of(tmp_path).check()
    other = folder_of(tmp_path, identity)
    with pytest.raises(ContractError, match=words):
        other.check()
    with pytest.raises(ContractError, match=words), other.locked():
        pytest.fail("entered")


def test_snapshots_of_unknown_origin_are_refused(tmp_path):
    (tmp_path / "dense0.pt").write_text("")
    with pytest.raises(ContractError, match=r"holds dense0\.pt, but no run\.json says"):
        folder_of(tmp_path).check()
    RunFolder(tmp_path, "prune", IDENTITY, "round*.pt").check()


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / "early.ptx8a.tmp").write_text("half")
    (tmp_path / "dense.safetensorsq.tmp").mkdir()
    (tmp_path / "dense.safetensorsq.tmp" / "dense.safetensors").write_text("half")
    (tmp_path / "mine.txt").write_text("whole")
    with folder_of(tmp_path).locked():
        assert {file.name for file in tmp_path.iterdir()} == {".lock", RECORD, "mine.txt"}


def test_only_one_process_is_let_in(tmp_path):
    code = (
        "import sys; from model.run_folder import RunFolder\n"
        f"with RunFolder(__import__('pathlib').Path({str(tmp_path)!r}), 'train', {IDENTITY!r}, 'x')"
        ".locked(): print('in')"
    )
    command = [sys.executable, "-c", code]
    with folder_of(tmp_path).locked():
        kept_out = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "another process trains into it" in kept_out.stderr
        assert kept_out.stdout == ""
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "in\n"


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_damaged_record_is_refused(tmp_path, text):
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(ContractError, match=r"run\.json: not .*choose another folder"):
        folder_of(tmp_path).check()
