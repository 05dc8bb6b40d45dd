"""The clusters before a frame: times at which nothing has happened yet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.kernels import FIRST_ROW, ROWS
from sim.state import ClusterState
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig

LONG_AGO = -(1 << 40)
"""A cycle before every other: the initial value of "previous" times."""


def new_clusters(engine: EngineConfig) -> ClusterState:
    """Clusters in which nothing has happened yet."""
    clusters, lanes = engine.clusters, engine.lanes

    def never(*shape: int) -> NDArray[np.int64]:
        return np.full(shape, LONG_AGO, np.int64)

    unit = never(clusters, FIRST_ROW + derived.ROW_CREDITS)
    unit[:, ROWS] = 0
    sizes = range(derived.lane_pitch(engine) + 1)
    return ClusterState(
        entered=never(clusters),
        left=never(clusters),
        starts=never(clusters, lanes, engine.fifo_depth),
        place=np.zeros((clusters, lanes), np.uint64),
        room=never(clusters, lanes),
        finish=never(clusters, lanes),
        take=never(clusters, lanes),
        unit=unit,
        gap=np.array([derived.neuron_gap(engine, size) for size in sizes], np.int64),
        half_free=never(clusters, 2),
        loads=np.zeros(clusters, np.int64),
        burst=never(3),
    )
