"""Which task goes to which process, so that each finds what it has prepared already."""

from collections import Counter, deque
from collections.abc import Iterable

from reports.explore.pool import Task

IN_FLIGHT = 3
"""Tasks sent out for every process: enough to keep it busy, few to lose by an interruption."""


class Dispatch:
    """Tasks in groups that are prepared in common: a group stays with one process.

    Processes are numbered; what a group costs more where two processes share it is time alone.
    """

    def __init__(self, groups: Iterable[list[Task]]) -> None:
        self._waiting = deque(deque(group) for group in groups)
        self._queues: dict[int, deque[Task]] = {}
        self._running: Counter[int] = Counter()
        self._place: dict[str, int] = {}

    def next(self, slots: int) -> tuple[Task, int] | None:
        """The task to send out next and the number, below `slots`, of its process.

        None if all have enough to do, or nothing is left.
        """
        for home in [home for home in self._queues if home >= slots]:
            self._waiting.appendleft(self._queues.pop(home))
        for home in sorted(range(slots), key=lambda home: self._running[home]):
            if self._running[home] >= IN_FLIGHT:
                return None
            queue = self._queue(home)
            if queue:
                task = queue.popleft()
                self._running[home] += 1
                self._place[task.key] = home
                return task, home
        return None

    def done(self, key: str) -> None:
        """The task came back."""
        self._running[self._place.pop(key)] -= 1

    @property
    def busy(self) -> bool:
        """Some task has not come back yet."""
        return bool(self._place)

    def _queue(self, home: int) -> deque[Task]:
        """The tasks of a process: those of its group, of a new one, or half of another's."""
        if not self._queues.get(home):
            if self._waiting:
                self._queues[home] = self._waiting.popleft()
            elif self._queues:
                longest = max(self._queues.values(), key=len)
                taken = [longest.pop() for _ in range(len(longest) // 2)]
                self._queues[home] = deque(reversed(taken))
        return self._queues.get(home, deque())
