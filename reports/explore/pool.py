"""Where evaluations run: in this process, or in processes of a Dask cluster."""

from collections import deque
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


class Task(NamedTuple):
    """`function(shared.value, *arguments)`, named by a key that no other task has."""

    key: str
    function: Callable[..., Any]
    shared: Shared
    arguments: tuple[Any, ...]


class Pool(Protocol):
    """Runs tasks; the order in which they come back is free."""

    def slots(self) -> int:
        """Processes that work."""
        ...

    def submit(self, task: Task, home: int) -> None:
        """Has the task run, in process `home` if it still lives."""
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
        self._waiting: deque[Task] = deque()

    def slots(self) -> int:
        """One."""
        return 1

    def submit(self, task: Task, home: int) -> None:
        """Keeps the task until `finished` runs it."""
        self._waiting.append(task)

    def finished(self) -> Finished:
        """Runs the oldest task."""
        task = self._waiting.popleft()
        return Finished(task.key, task.function(task.shared.value, *task.arguments))

    def close(self) -> None:
        """Forgets the waiting tasks."""
        self._waiting.clear()
