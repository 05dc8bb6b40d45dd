"""Files are refused early, written whole, or not at all."""

import json
import os
from pathlib import Path

import pytest

from sparsespike.cli.output import (
    require_writable_directory,
    require_writable_file,
    write_json,
)
from sparsespike.contract.errors import ContractError


def test_json_is_written_whole(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    write_json(path, {"x": [1, 2.5, None]})
    assert json.loads(path.read_text()) == {"x": [1, 2.5, None]}
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_result_that_is_not_json_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(ValueError, match="nan"):
        write_json(path, {"x": float("nan")})
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_the_check_writes_nothing(tmp_path):
    require_writable_file(tmp_path / "a.json", option="--json")
    require_writable_directory(tmp_path / "x" / "y", option="--output")
    assert os.listdir(tmp_path) == []


def test_a_device_is_not_replaced():
    with pytest.raises(ContractError, match="regular file"):
        require_writable_file(Path("/dev/null"), option="--json")
