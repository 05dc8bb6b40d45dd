"""Progress that appears only when a step takes longer than two seconds."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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

Advance = Callable[[int, int], None]
"""Called with (done so far, total)."""


@contextmanager
def progress(description: str, total: int | None = None) -> Iterator[Advance]:
    """Show a bar (or a spinner, when `total` is unknown) on stderr once 2 s have passed.

    Yields a function that is told how many are done so far, and of how many. Prints nothing
    where stderr is not a terminal.
    """
    console = Console(stderr=True)
    bar = Progress(*_columns(total), console=console, transient=True)
    task = bar.add_task(description, total=total)
    lock = threading.Lock()
    shown = finished = False

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
        yield lambda done, of: bar.update(task, completed=done, total=of)
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
