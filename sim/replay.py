"""One image's work kept, to be timed again on machines that differ in queues, memory or clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.machine import Machine, start_image, work_layer
from sim.timeline import AttentionWork, MatmulWork, Timeline, Work


@dataclass(frozen=True, eq=False)
class Recording:
    """What one image makes a machine do, without any times.

    Attributes:
        work: of each layer.
        counters: int64 (layers, counters), those that need no times; the others are 0.
    """

    work: tuple[Work, ...]
    counters: NDArray[np.int64]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        parts = (part for work in self.work for part in _arrays(work))
        return self.counters.nbytes + sum(part.nbytes for part in parts)


def record(machine: Machine, image: NDArray[np.uint8]) -> Recording:
    """Computes one image (H, W, channels) and keeps the work of every layer."""
    memory, run = start_image(machine, image)
    work = tuple(
        _copy(work_layer(machine, index, memory, run)) for index in range(len(machine.layers))
    )
    return Recording(work, run.counters)


def replay(machine: Machine, recording: Recording) -> NDArray[np.int64]:
    """(layers, counters) of the recorded image, equal to those of `run_image` on `machine`.

    machine: of the same tiles, layers and shapes as the one that recorded; its queues, the times
    of its memory and its clock are free.
    """
    counters = recording.counters.copy()
    timeline = Timeline(machine)
    for d, work, row in zip(machine.layers, recording.work, counters, strict=True):
        timeline.layer(d, work, row)
    timeline.finish(counters)
    return counters


def _copy(work: Work) -> Work:
    """The work in memory of its own; the steps of a walk, which no time depends on, left out."""
    if isinstance(work, AttentionWork):
        return work
    walk = work.walk._replace(steps=np.zeros((0, work.walk.steps.shape[1]), np.uint64))
    return MatmulWork(type(walk)(*(part.copy() for part in walk)), work.hits.copy())


def _arrays(work: Work) -> tuple[NDArray[np.generic], ...]:
    return tuple(work) if isinstance(work, AttentionWork) else (*work.walk, work.hits)
