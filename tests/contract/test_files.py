"""Files are written whole or not at all."""

import os

import pytest

from sparsespike.contract.files import save_atomically


@pytest.mark.parametrize("there", [False, True])
def test_a_save_that_fails_leaves_what_was_there(tmp_path, there):
    path = tmp_path / "a.npz"
    if there:
        path.write_text("old")

    def broken(temporary):
        temporary.write_text("half")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        save_atomically(path, broken)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"] * there
    save_atomically(path, lambda temporary: temporary.write_text("new"))
    assert [file.read_text() for file in tmp_path.iterdir()] == ["new"]


def test_a_save_sees_the_final_file_name_and_makes_its_folder(tmp_path):
    path = tmp_path / "x" / "y" / "a.npz"
    save_atomically(path, lambda file: file.write_text(file.name))
    assert path.read_text() == "a.npz"
    assert os.listdir(path.parent) == ["a.npz"]
    assert path.stat().st_mode & 0o777 == 0o644
