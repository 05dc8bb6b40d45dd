"""Progress appears after its delay on a terminal, and never anywhere else."""

import io
import time

import pytest
from rich.console import Console

from sparsespike.cli import progress as module
from sparsespike.cli.progress import progress


@pytest.fixture
def terminal(monkeypatch):
    """A console that believes to be a terminal; returns what was written to it."""
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=80)
    monkeypatch.setattr(module, "Console", lambda **_: console)
    return written


def test_a_short_step_shows_nothing(terminal):
    with progress("short", total=3) as advance:
        advance(1, 3)
    assert terminal.getvalue() == ""


def test_a_long_step_shows_a_bar(terminal, monkeypatch):
    monkeypatch.setattr(module, "DELAY_SECONDS", 0.01)
    with progress("long", total=3) as advance:
        time.sleep(0.2)
        advance(2, 3)
        time.sleep(0.2)
    assert "long" in terminal.getvalue()
    assert "2/3" in terminal.getvalue()


def test_a_new_description_starts_the_bar_again(terminal, monkeypatch):
    monkeypatch.setattr(module, "DELAY_SECONDS", 0.01)
    with progress("first", total=3) as advance:
        advance(3, 3)
        time.sleep(0.2)
        advance(1, 8, "second")
        time.sleep(0.2)
    assert "first" in terminal.getvalue()
    assert "second" in terminal.getvalue()
    assert "1/8" in terminal.getvalue()


def test_no_terminal_no_bar(capsys, monkeypatch):
    monkeypatch.setattr(module, "DELAY_SECONDS", 0.0)
    with progress("long"):
        time.sleep(0.05)
    assert capsys.readouterr() == ("", "")


def test_an_error_passes_through(terminal):
    with pytest.raises(ZeroDivisionError), progress("bad"):
        raise ZeroDivisionError
