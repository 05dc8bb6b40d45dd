"""Fine-tuning through the quantiser, where rounding the weights costs accuracy."""

import copy

from model.evaluate import evaluate_float
from model.fake_quant import rounded_weights
from model.network import Spikformer
from model.on_device import on_device
from model.stages import Run

COST_LIMIT = 0.005
"""Accuracy, 0..1, that plain rounding may cost before the network is tuned."""

COST_IMAGES = 5_000


def rounding_cost(run: Run, network: Spikformer) -> float:
    """Accuracy, 0..1, lost on the first 5,000 training images by rounding the weights.

    Negative where rounding gains. The test images have no part in it.
    """
    images = run.data.first(min(COST_IMAGES, len(run.data.images)))
    rounded = copy.deepcopy(network)
    with rounded_weights(rounded, run.pixels):
        pass
    accuracies = []
    for each in (network, rounded):
        with on_device(each, run.machine.device) as placed:
            accuracies.append(evaluate_float(placed, run.pixels, images))
    return accuracies[0] - accuracies[1]
