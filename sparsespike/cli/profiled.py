"""How often each input of each layer is not silent, measured on the golden model."""

from typing import TYPE_CHECKING

import numpy as np

from sparsespike.compiler.dataflow import dataflow
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.network import IntegerNetwork

if TYPE_CHECKING:
    from numpy.typing import NDArray


def input_activity(
    network: IntegerNetwork, engine: EngineConfig, images: "NDArray[np.uint8]"
) -> "dict[str, NDArray[np.float64]]":
    """Layer name -> (input channels,) mean matches of a non-zero weight at a position.

    A match is a digit (of a count or pixel; a spike is one) that is not 0 in some step of a group.
    Mean over the positions of uint8 `images` (N, H, W, channels).
    """
    from model.integer import golden_forward
    from model.layer_inputs import layer_inputs

    trace = golden_forward(network, images)
    inputs = layer_inputs(network, images, trace)
    adders = engine.time_steps
    found = {}
    for flow in dataflow(network.config):
        if flow.kind == "attention":
            continue
        x = inputs[flow.name].astype(np.int64)
        if flow.pixel:
            # The steps of a pixel are its bits, so many at a time as there are adders.
            bits = np.arange(derived.PIXEL_BITS)[None, :, None, None]
            x, digits = x >> bits & 1, 1
        else:
            digits = derived.count_digits(engine) if flow.source_counts else 1
        width = engine.digit_bits if flow.source_counts else 1
        met = np.zeros(x.shape[3])
        for digit in range(digits):
            value = x >> digit * width & (1 << width) - 1
            for first in range(0, x.shape[1], adders):
                met += value[:, first : first + adders].any(axis=1).mean(axis=(0, 1))
        found[flow.name] = met
    return found
