"""Tasks reach processes group by group, each exactly once, whatever happens to the processes."""

import random

from reports.explore.dispatch import IN_FLIGHT, Dispatch
from reports.explore.pool import Shared, Task


def _groups(sizes):
    return [
        [Task(f"{group}/{i}", print, Shared("", None), ()) for i in range(size)]
        for group, size in enumerate(sizes)
    ]


def _drain(dispatch, slots_now, rng):
    """(key, process) of all tasks in the order in which they are sent out."""
    sent, running = [], []
    while True:
        slots = slots_now()
        while (chosen := dispatch.next(slots)) is not None:
            task, home = chosen
            assert 0 <= home < slots
            sent.append((task.key, home))
            running.append(task.key)
        if not dispatch.busy:
            return sent
        dispatch.done(running.pop(rng.randrange(len(running))))


def test_a_group_stays_with_its_process_while_there_are_others():
    sent = _drain(Dispatch(_groups([9] * 6)), lambda: 2, random.Random(0))
    assert sorted(key for key, _ in sent) == sorted(f"{g}/{i}" for g in range(6) for i in range(9))
    homes = {}
    for key, home in sent:
        homes.setdefault(key.split("/")[0], set()).add(home)
    # Where no group is left, half of the last may move to the idle process.
    assert sum(len(found) > 1 for found in homes.values()) <= 2


def test_no_process_is_sent_too_much_and_none_is_idle_at_the_start():
    dispatch = Dispatch(_groups([9, 9]))
    first = [dispatch.next(2) for _ in range(2 * IN_FLIGHT)]
    assert [home for _, home in first].count(0) == IN_FLIGHT
    assert dispatch.next(2) is None
    dispatch.done(first[0][0].key)
    assert dispatch.next(2)[1] == first[0][1]


def test_the_only_group_is_shared():
    sent = _drain(Dispatch(_groups([40])), lambda: 4, random.Random(1))
    assert len({key for key, _ in sent}) == 40
    assert {home for _, home in sent} == {0, 1, 2, 3}


def test_processes_come_and_go():
    for seed in range(20):
        rng = random.Random(seed)
        sizes = [rng.randint(1, 9) for _ in range(rng.randint(1, 12))]
        sent = _drain(Dispatch(_groups(sizes)), lambda rng=rng: rng.randint(1, 5), rng)
        assert len(sent) == len({key for key, _ in sent}) == sum(sizes)
