"""simulate: images through a Program, exact to the cycle of the hardware."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.kernels import matmul_layer
from sim.machine import Machine, another, build_machine, run_image
from sim.result import SimulationResult
from sim.runs import ImageRun, check_images, collect
from sparsespike.contract.program import Program


def simulate(
    program: Program,
    images: NDArray[np.uint8],
    *,
    keep_tensors: bool = False,
    threads: int = 1,
    progress: Callable[[int, int], Any] | None = None,
) -> SimulationResult:
    """Runs every image of `images`, uint8 (N, H, W, channels), on its own engine after reset.

    keep_tensors: return every stored tensor as well. threads: images that run at the same time, of
    which the result does not depend. progress: called with (images done, images).
    Raises ContractError for images of another shape or type than the network takes.
    """
    check_images(program, images)
    machine = build_machine(program)
    if not getattr(matmul_layer, "signatures", True):
        run_image(machine, images[0], keep_rows=False)  # compiles, or loads the cache
    runs = []
    started = time.perf_counter()
    for run in _run(machine, images, min(threads, len(images)), keep_rows=keep_tensors):
        runs.append(run)
        if progress is not None:
            progress(len(runs), len(images))
    return collect(program, runs, time.perf_counter() - started, keep_tensors=keep_tensors)


def _run(
    machine: Machine, images: NDArray[np.uint8], threads: int, *, keep_rows: bool
) -> Iterator[ImageRun]:
    """The run of each image, in order."""
    if threads <= 1:
        for image in images:
            yield run_image(machine, image, keep_rows=keep_rows)
        return
    idle: SimpleQueue[Machine] = SimpleQueue()
    for own in (machine, *(another(machine) for _ in range(threads - 1))):
        idle.put(own)

    def run(image: NDArray[np.uint8]) -> ImageRun:
        own = idle.get()
        try:
            return run_image(own, image, keep_rows=keep_rows)
        finally:
            idle.put(own)

    pool = ThreadPoolExecutor(threads)
    try:
        yield from pool.map(run, images)
    finally:
        pool.shutdown(cancel_futures=True)
