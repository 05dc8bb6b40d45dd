"""What the page on accuracy is made from: one network's records and measurements."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparsespike.contract.network import NetworkConfig


@dataclass(frozen=True, eq=False)
class ImageResults:
    """What was measured on N images. All shares 0..1.

    data: what the images are, in words. images: uint8 (N, H, W, C). labels, predicted: int64 (N,),
    predicted by the integer network. correct: right answers of "float" and by weight bits "8",
    "6", "4". kept: per selector bool (N, grid, grid), True where a token lives on.
    layers: one row per layer: layer, accumulates, macs, spikes, neurons (totals over the images)
    and dense_macs (of one image).
    """

    data: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    correct: dict[str, int]
    kept: dict[str, NDArray[np.bool_]]
    layers: pd.DataFrame


@dataclass(frozen=True, eq=False)
class NetworkResults:
    """One network. card: what its training command measured, see model.publish.

    density: one row per weight tensor: layer, weights, nonzero. floor: rows (layer, floor) with
    weights, nonzero, or None. controls: rows (arm, seed) with accuracy 0..1, epochs, time_steps,
    or None. record: name of the training record's file, or None.
    """

    name: str
    config: NetworkConfig
    card: dict[str, Any]
    parameters: int
    gflops: float
    measured: ImageResults
    density: pd.DataFrame
    floor: pd.DataFrame | None = None
    controls: pd.DataFrame | None = None
    record: str | None = None

    def weight_sparsity(self) -> float:
        """Zeros among all weights of two or more dimensions, 0..1."""
        return 1 - int(self.density["nonzero"].sum()) / int(self.density["weights"].sum())
