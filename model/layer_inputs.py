"""What every layer of a golden trace was given: for counting work and for checking one layer."""

import numpy as np
from numpy.typing import NDArray

from model.integer import GoldenTrace
from sparsespike.contract.network import IntegerNetwork

Activations = NDArray[np.integer]


def layer_inputs(
    network: IntegerNetwork, images: NDArray[np.uint8], trace: GoldenTrace
) -> dict[str, Activations]:
    """Input of every layer, (B, T, positions, channels), from the golden outputs before it.

    conv0: raw pixels, T = 1. attn: the spikes of Q, K and V. Others: spikes or residual counts,
    after the selection where a selector stands in front.
    """
    inputs: dict[str, Activations] = {}
    x: Activations = images.reshape(len(images), 1, -1, network.config.in_channels)
    origin = np.tile(np.arange(network.config.tokens()), (len(images), 1))
    for name in network.config.layer_names():
        inputs[name] = x
        if name in trace.kept:
            x, origin = _keep(x, origin, trace.kept[name]), trace.kept[name]
        else:
            x = trace.layers[name]
    return inputs


def _keep(x: Activations, origin: NDArray[np.int64], kept: NDArray[np.int64]) -> Activations:
    positions = np.stack(
        [np.searchsorted(have, want) for have, want in zip(origin, kept, strict=True)]
    )
    return np.take_along_axis(x, positions[:, None, :, None], axis=2)
