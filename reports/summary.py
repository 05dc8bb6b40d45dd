"""The figures of one run that people compare: cycles, frames per second, utilization, energy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.energy import energy, total_joule
from reports.technology import Technology
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.counters import COUNTERS


@dataclass(frozen=True)
class Summary:
    """Means over the images of a run; `utilization` is a fraction of 0 to 1."""

    images: int
    cycles_per_image: float
    fps: float
    utilization: float
    energy_per_image_joule: float


def summarize(
    layers: Sequence[str],
    cycles: NDArray[np.int64],
    counters: NDArray[np.int64],
    *,
    engine: EngineConfig,
    technology: Technology,
) -> Summary:
    """Summary of a run. `cycles` is (images, layers), `counters` (images, layers, COUNTERS).

    Utilization is matched weight additions over what the lanes could have done in the same cycles;
    frames per second are those of one image after the other at the engine's clock.
    """
    images = len(cycles)
    total_cycles = int(cycles.sum())
    matches = int(counters[:, :, COUNTERS.index("weights_read")].sum())
    per_image = total_cycles / images
    priced = energy(counter_frame(layers, counters), engine=engine, technology=technology)
    return Summary(
        images=images,
        cycles_per_image=per_image,
        fps=engine.clock_mhz * 1e6 / per_image,
        utilization=matches / (engine.clusters * engine.lanes * total_cycles),
        energy_per_image_joule=total_joule(priced) / images,
    )


def counter_frame(layers: Sequence[str], counters: NDArray[np.int64]) -> pd.DataFrame:
    """Tidy totals over the images: one row per (layer, counter), columns layer, counter, count."""
    totals = counters.sum(axis=0)
    return pd.DataFrame(
        {
            "layer": np.repeat(np.asarray(layers, dtype=object), len(COUNTERS)),
            "counter": np.tile(np.asarray(COUNTERS, dtype=object), len(layers)),
            "count": totals.reshape(-1).astype(np.int64),
        }
    )
