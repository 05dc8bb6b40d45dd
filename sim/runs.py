"""From the runs of single images to one result; shared by the simulator and its naive twin."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.result import SimulationResult
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.errors import ContractError
from sparsespike.contract.program import Program
from sparsespike.contract.tensors import natural_tensor


@dataclass(eq=False)
class ImageRun:
    """What one image left behind; dicts are by layer index.

    Attributes:
        counters: int64 (layers, counters).
        rows: stored rows (tokens, groups, rows, pitch, adders), 0 for tokens not walked.
    """

    counters: NDArray[np.int64]
    scores: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    kept: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    rows: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    logits: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


def new_run(program: Program) -> ImageRun:
    """A run of which nothing is known yet."""
    return ImageRun(np.zeros((len(program.layers), len(COUNTERS)), np.int64))


def check_images(program: Program, images: NDArray[np.uint8]) -> None:
    """Raises ContractError unless images are uint8 (N, H, W, channels) of the program's network."""
    network = program.network
    shape = (network.image_size, network.image_size, network.in_channels)
    if images.dtype != np.uint8:
        raise ContractError(f"images must be uint8, not {images.dtype}; scale them to 0..255")
    if images.ndim != 4 or images.shape[1:] != shape or not len(images):
        raise ContractError(
            f"images must have shape (N, {', '.join(map(str, shape))}) with N > 0, not "
            f"{images.shape}; resize them to the network's size"
        )


def collect(
    program: Program, runs: list[ImageRun], seconds: float, *, keep_tensors: bool
) -> SimulationResult:
    """One result of the runs of all images."""
    names = tuple(layer.name for layer in program.layers)
    counters = np.stack([run.counters for run in runs])

    def tensor(index: int) -> NDArray[np.int64]:
        layer = program.layers[index]
        return np.stack(
            [natural_tensor(layer, program.engine, program.network, r.rows[index]) for r in runs]
        )

    return SimulationResult(
        layers=names,
        cycles=counters[:, :, COUNTERS.index("cycles")].copy(),
        counters=counters,
        logits=np.stack([run.logits for run in runs]),
        kept={names[i]: np.stack([run.kept[i] for run in runs]) for i in runs[0].kept},
        scores={names[i]: np.stack([run.scores[i] for run in runs]) for i in runs[0].scores},
        tensors={names[i]: tensor(i) for i in runs[0].rows} if keep_tensors else None,
        wall_seconds=seconds,
    )
