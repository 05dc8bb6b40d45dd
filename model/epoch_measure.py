"""What is measured of a network in training after each epoch, besides its loss."""

import copy
from collections import defaultdict
from dataclasses import dataclass

import torch

from model.data import ImageSet
from model.evaluate import Progress, evaluate_float
from model.firing import firing_rates
from model.network import Selection, Spikformer
from model.on_device import on_device
from model.pixels import PixelScale
from model.prune import density_by_tensor, weight_sparsity
from model.tensor_labels import tensor_label

TEST_IMAGES = 2_000
FIRING_IMAGES = 100


@dataclass(frozen=True)
class EpochMeasure:
    """Fractions 0..1, None where there is nothing to measure.

    accuracy: on test images. weight_sparsity: zeros among all weights. layers: firing_rate and
    density of every layer of the integer network, in order of execution.
    """

    accuracy: float | None
    weight_sparsity: float
    layers: dict[str, dict[str, float | None]]


def measure_epoch(
    network: Spikformer,
    pixels: PixelScale,
    *,
    test: ImageSet | None,
    probe: ImageSet,
    selection: Selection,
) -> EpochMeasure:
    """Measure `network` where it is, as it runs in its stage.

    test: its first 2,000 images are classified. probe: its first 100 are watched for spikes.
    selection: "all" in stages that drop no tokens, else "top".
    """
    whole = as_selected(network, selection)
    accuracy = None
    if test is not None:
        part = test.first(min(TEST_IMAGES, len(test.images)))
        accuracy = accuracy_on_device(whole, pixels, part, network.head.weight.device)
    watched = torch.from_numpy(probe.images[:FIRING_IMAGES])
    images = pixels.normalize(watched).to(network.head.weight.device)
    firing, density = firing_rates(whole, images), _layer_density(network)
    layers = {
        name: {"firing_rate": firing.get(name), "density": density.get(name)}
        for name in network.config.layer_names()
    }
    return EpochMeasure(accuracy, weight_sparsity(network), layers)


def accuracy_on_device(
    network: Spikformer,
    pixels: PixelScale,
    test: ImageSet,
    device: str | torch.device,
    progress: Progress | None = None,
) -> float:
    """Accuracy 0..1 over `test`, computed on `device`."""
    with on_device(network, device) as placed:
        return evaluate_float(placed, pixels, test, progress=progress)


def as_selected(network: Spikformer, selection: Selection) -> Spikformer:
    """`network`, or for "all" the same weights in a network that has no selectors."""
    if selection != "all":
        return network
    whole = copy.copy(network)
    whole.config = network.config.model_copy(update={"selector_blocks": ()})
    return whole


def _layer_density(network: Spikformer) -> dict[str, float]:
    """Share of non-zero weights 0..1 by the integer network's layer names."""
    nonzero: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    for tensor, (present, size) in density_by_tensor(network).items():
        layer = _layer(tensor_label(tensor))
        nonzero[layer] += present
        total[layer] += size
    return {layer: nonzero[layer] / size for layer, size in total.items()}


def _layer(label: str) -> str:
    """block.0.q, .k and .v are one layer, the two matrices of a selector are another."""
    head, _, part = label.rpartition(".")
    if part in ("q", "k", "v"):
        return f"{head}.qkv"
    return head if head.startswith("selector.") else label
