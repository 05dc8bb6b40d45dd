"""`doctor` names what is missing and the line that installs it."""

import json
import shutil
import subprocess

import pytest

from sparsespike.cli import checks, doctor
from sparsespike.cli.checks import Check, all_checks


def _check(**changes):
    fields = {"name": "Frob", "needed_by": "cosim", "required": True, "found": "/bin/frob"}
    return Check(**(fields | {"remedy": "apt-get install frob"} | changes))


def test_a_healthy_machine_is_0(run, monkeypatch, tmp_path):
    monkeypatch.setattr(
        doctor, "all_checks", lambda: [_check(), _check(required=False, found=None)]
    )
    outcome = run("doctor", "--json", tmp_path / "doctor.json")
    assert outcome.code == 0
    result = json.loads((tmp_path / "doctor.json").read_text())
    assert result["healthy"] is True
    assert [row["ok"] for row in result["checks"]] == [True, False]


def test_a_missing_required_part_is_1_and_prints_the_remedy(run, monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "all_checks", lambda: [_check(found=None)])
    outcome = run("doctor", "--json", tmp_path / "doctor.json")
    assert outcome.code == 1
    assert "missing: Frob: apt-get install frob" in outcome.out
    assert json.loads((tmp_path / "doctor.json").read_text())["healthy"] is False


def test_every_check_has_a_remedy():
    for check in all_checks():
        assert check.remedy
        assert check.needed_by


def test_without_anything_on_path_the_compiler_is_missing(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    missing = {check.name for check in all_checks() if not check.ok}
    assert {"C++ compiler", "make", "perl", "Icarus Verilog"} <= missing


@pytest.mark.parametrize(
    ("printed", "accepted"),
    [
        ("Verilator 5.036 2025-04-27 rev v5.036", True),
        ("Verilator 5.048 2026-04-01", True),
        ("Verilator 6.002 2027-01-01", True),
        ("Verilator 5.006 2023-01-22 rev (Debian 5.006-3)", False),
        ("Verilator 4.228 2022-10-01", False),
        ("", False),
    ],
)
def test_an_old_verilator_on_path_does_not_count(monkeypatch, printed, accepted):
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    done = subprocess.CompletedProcess([], 0, stdout=printed)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert (checks._path_verilator() is not None) == accepted


def test_a_space_in_the_path_is_named(monkeypatch, tmp_path):
    folder = tmp_path / "my project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    found = {check.name: check for check in all_checks()}["path without spaces"]
    assert not found.ok
    assert "my project" in found.remedy
