"""simulate: images through a Program, exact to the cycle of the hardware."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.kernels import matmul_layer
from sim.machine import build_machine, run_image
from sim.result import SimulationResult
from sim.runs import check_images, collect
from sparsespike.contract.program import Program


def simulate(
    program: Program,
    images: NDArray[np.uint8],
    *,
    keep_tensors: bool = False,
    progress: Callable[[int, int], Any] | None = None,
) -> SimulationResult:
    """Runs every image of `images`, uint8 (N, H, W, channels), on its own engine after reset.

    keep_tensors: return every stored tensor as well. progress: called with (images done, images).
    Raises ContractError for images of another shape or type than the network takes.
    """
    check_images(program, images)
    machine = build_machine(program)
    if not getattr(matmul_layer, "signatures", True):
        run_image(machine, images[0], keep_rows=False)  # compiles, or loads the cache
    runs = []
    started = time.perf_counter()
    for image in images:
        runs.append(run_image(machine, image, keep_rows=keep_tensors))
        if progress is not None:
            progress(len(runs), len(images))
    return collect(program, runs, time.perf_counter() - started, keep_tensors=keep_tensors)
