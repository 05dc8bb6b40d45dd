"""Kept tokens as maps over the image."""

import numpy as np
from numpy.typing import NDArray

from sparsespike.contract.network import NetworkConfig


def kept_maps(
    config: NetworkConfig, kept: dict[str, NDArray[np.int64]]
) -> dict[str, NDArray[np.bool_]]:
    """Per selector bool (N, grid, grid), True where the token lives on.

    kept: original positions, int64 (N, keep), row by row from the top left.
    """
    edge = config.grid()
    maps = {}
    for name, positions in kept.items():
        flat = np.zeros((len(positions), config.tokens()), bool)
        np.put_along_axis(flat, positions, True, axis=1)
        maps[name] = flat.reshape(-1, edge, edge)
    return maps
