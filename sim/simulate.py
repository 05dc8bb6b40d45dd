"""simulate: images through a Program, exact to the cycle of the hardware."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.kernels import matmul_layer
from sim.machine import ImageRun, build_machine, run_image
from sim.result import SimulationResult
from sparsespike.contract.errors import ContractError
from sparsespike.contract.program import Program
from sparsespike.contract.tensors import natural_tensor


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
    if len(images) and not getattr(matmul_layer, "signatures", True):
        run_image(machine, images[0], keep_rows=False)  # compiles, or loads the cache
    runs = []
    started = time.perf_counter()
    for image in images:
        runs.append(run_image(machine, image, keep_rows=keep_tensors))
        if progress is not None:
            progress(len(runs), len(images))
    seconds = time.perf_counter() - started
    return collect(program, runs, seconds, keep_tensors=keep_tensors)


def check_images(program: Program, images: NDArray[np.uint8]) -> None:
    """Raises ContractError unless images are uint8 (N, H, W, channels) of the program's network."""
    network = program.network
    shape = (network.image_size, network.image_size, network.in_channels)
    if images.dtype != np.uint8:
        raise ContractError(f"images must be uint8, not {images.dtype}; scale them to 0..255")
    if images.ndim != 4 or images.shape[1:] != shape:
        raise ContractError(f"images must have shape (N, {', '.join(map(str, shape))}), not "
                            f"{images.shape}; resize them")


def collect(
    program: Program, runs: list[ImageRun], seconds: float, *, keep_tensors: bool
) -> SimulationResult:
    """One result of the runs of all images."""
    names = tuple(layer.name for layer in program.layers)
    counters = np.array([run.counters for run in runs], np.int64)
    if not runs:
        raise ContractError("images holds no image; pass at least one")

    def tensor(index: int) -> NDArray[np.int64]:
        layer = program.layers[index]
        return np.stack(
            [natural_tensor(layer, program.engine, program.network, r.rows[index]) for r in runs]
        )

    return SimulationResult(
        layers=names,
        cycles=counters[:, :, -1].copy(),
        counters=counters,
        logits=np.stack([run.logits for run in runs]),
        kept={names[i]: np.stack([run.kept[i] for run in runs]) for i in runs[0].kept},
        scores={names[i]: np.stack([run.scores[i] for run in runs]) for i in runs[0].scores},
        tensors={names[i]: tensor(i) for i in runs[0].rows} if keep_tensors else None,
        wall_seconds=seconds,
    )
