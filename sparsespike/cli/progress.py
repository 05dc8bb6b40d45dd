"""Progress that appears only when a step takes longer than two seconds."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

DELAY_SECONDS = 2.0


class Advance(Protocol):
    """The function that moves a bar."""

    def __call__(self, done: int, total: int, description: str | None = None, /) -> None:
        """So many are done, of so many; a new description starts the bar again."""


@contextmanager
def progress(description: str, total: int | None = None) -> Iterator[Advance]:
    """Show a bar (or a spinner, when `total` is unknown) on stderr once 2 s have passed.

    Yields the function that moves it. Prints nothing where stderr is not a terminal.
    """
    console = Console(stderr=True)
    bar = Progress(*_columns(total), console=console, transient=True)
    task = bar.add_task(description, total=total)
    lock = threading.Lock()
    shown = finished = False
    current = description

    def advance(done: int, of: int, what: str | None = None, /) -> None:
        nonlocal current
        if what is not None and what != current:
            current = what
            bar.reset(task, description=what, total=of)
        bar.update(task, completed=done, total=of)

    def show() -> None:
        nonlocal shown
        with lock:
            if not finished:
                bar.start()
                shown = True

    timer = threading.Timer(DELAY_SECONDS, show)
    timer.daemon = True
    if console.is_terminal:
        timer.start()
    try:
        yield advance
    finally:
        timer.cancel()
        with lock:
            finished = True
            if shown:
                bar.stop()


def _columns(total: int | None) -> list[ProgressColumn]:
    if total is None:
        return [SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()]
    return [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ]
