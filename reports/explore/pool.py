"""Where evaluations run: in this process, or in processes of a Dask cluster."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol


class Finished(NamedTuple):
    """A task that came back; `lost` says that the processes that tried it died."""

    key: str
    result: Any
    lost: bool = False


class Shared(NamedTuple):
    """An object that many tasks take: sent once, known by its hash."""

    hash: str
    value: Any


class Pool(Protocol):
    """Runs tasks; the order in which they come back is free."""

    def slots(self) -> int:
        """Processes that work."""
        ...

    def submit(
        self, key: str, function: Callable[..., Any], shared: Shared, *arguments: Any
    ) -> None:
        """Has `function(shared.value, *arguments)` run; `key` names the task."""
        ...

    def finished(self) -> Finished:
        """The next task that is done; waits for it. What a task raised is raised here."""
        ...

    def close(self) -> None:
        """Drops what still runs."""
        ...


class InProcessPool:
    """Runs each task when its result is asked for."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, Callable[[], Any]]] = []

    def slots(self) -> int:
        """One."""
        return 1

    def submit(
        self, key: str, function: Callable[..., Any], shared: Shared, *arguments: Any
    ) -> None:
        """Keeps the task until `finished` runs it."""
        self._waiting.append((key, lambda: function(shared.value, *arguments)))

    def finished(self) -> Finished:
        """Runs the oldest task."""
        key, run = self._waiting.pop(0)
        return Finished(key, run())

    def close(self) -> None:
        """Forgets the waiting tasks."""
        self._waiting.clear()
