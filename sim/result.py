"""What a simulation returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class SimulationResult:
    """Cycles, counters and outputs of N images; L layers are the program's descriptors.

    Attributes:
        layers: names.
        cycles: int64 (N, L); a row sums to the frame's cycles.
        counters: int64 (N, L, counters), in the order of `sparsespike.contract.counters.COUNTERS`.
        logits: int64 (N, classes).
        kept: selector layer -> int64 (N, keep): original indices of the kept tokens, ascending.
        scores: selector layer -> int64 (N, tokens walked).
        tensors: layer -> int64 (N, T, tokens stored, channels), natural channel order: spikes, or
            counts of a layer that stores counts; tokens a layer did not walk are 0. None unless
            asked for.
        wall_seconds: of all images, after warm-up, without compilation.
    """

    layers: tuple[str, ...]
    cycles: NDArray[np.int64]
    counters: NDArray[np.int64]
    logits: NDArray[np.int64]
    kept: dict[str, NDArray[np.int64]]
    scores: dict[str, NDArray[np.int64]]
    tensors: dict[str, NDArray[np.int64]] | None
    wall_seconds: float

    @property
    def images_per_second(self) -> float:
        """Speed of the simulator itself."""
        return len(self.cycles) / self.wall_seconds if self.wall_seconds else 0.0
