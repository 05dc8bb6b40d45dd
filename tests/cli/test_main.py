"""Exit codes, help and version of the command line as a whole."""

import subprocess
import sys

import pytest

from sparsespike import __version__
from sparsespike.cli import main as main_module
from sparsespike.cli.messages import user_message
from sparsespike.contract.errors import ContractError

COMMANDS = (
    "quantize",
    "evaluate",
    "compile",
    "simulate",
    "verilog",
    "cosim",
    "doctor",
    "list",
    "schema",
)


def test_no_arguments_prints_the_commands(run):
    outcome = run()
    assert outcome.code == 0
    for command in COMMANDS:
        assert command in outcome.out


def test_version(run):
    assert run("--version").out == f"sparsespike {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_json(run, command):
    outcome = run(command, "--help")
    assert outcome.code == 0
    assert f"Example: sparsespike {command}" in outcome.out
    assert "--json" in outcome.out


def test_interrupt_is_130(run, monkeypatch):
    def interrupted(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(main_module, "app", interrupted)
    outcome = run("list")
    assert (outcome.code, outcome.err) == (130, "error: interrupted\n")


def test_an_error_of_the_program_keeps_its_traceback(run, monkeypatch):
    def broken(**_):
        raise ZeroDivisionError

    monkeypatch.setattr(main_module, "app", broken)
    with pytest.raises(ZeroDivisionError):
        run("list")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ContractError("a\n  b"), ["a b"]),
        (FileNotFoundError(2, "No such file or directory", "x.npz"), ["x.npz", "check the path"]),
        (PermissionError(13, "Permission denied", "x.npz"), ["x.npz", "permissions"]),
        (OSError("disk full"), ["disk full"]),
        (ModuleNotFoundError("no torch", name="torch"), ["torch", "sparsespike[golden]"]),
        (ModuleNotFoundError("no cocotb", name="cocotb.x"), ["sparsespike[cosim]"]),
    ],
)
def test_user_messages_are_one_line(error, words):
    message = user_message(error)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    "error", [ValueError("x"), ModuleNotFoundError("x", name="ours"), KeyError()]
)
def test_other_errors_are_not_the_users(error):
    assert user_message(error) is None


def test_the_installed_command_reports_in_one_line():
    command = [
        sys.executable,
        "-c",
        "from sparsespike.cli.main import main; raise SystemExit(main())",
    ]
    outcome = subprocess.run([*command, "nonsense"], capture_output=True, text=True, check=False)
    assert outcome.returncode == 2
    assert outcome.stdout == ""
    assert outcome.stderr.count("\n") == 1
    assert outcome.stderr.startswith("error: ")
