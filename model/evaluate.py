"""Accuracy of the float and the integer network, and the integer network's work."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from model.data import ImageSet
from model.integer import golden_forward
from model.network import Selection, Spikformer
from model.pixels import PixelScale
from model.synops import count_operations
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerNetwork

Progress = Callable[[int, int], None]
"""Called with (images done, images in all)."""


@dataclass(frozen=True)
class IntegerScore:
    """Accuracy 0..1 and effective operations per image; see model.synops."""

    accuracy: float
    synops_per_image: float
    macs_per_image: float


def evaluate_float(
    network: Spikformer,
    pixels: PixelScale,
    data: ImageSet,
    *,
    selection: Selection = "top",
    batch: int = 200,
    progress: Progress | None = None,
) -> float:
    """Accuracy 0..1 of the float network, by default with tokens dropped as in hardware."""
    network.eval()
    correct = 0
    with torch.no_grad():
        for part in _batches(data, batch, progress):
            inputs = pixels.normalize(torch.from_numpy(part.images))
            predicted = network(inputs, selection).logits.argmax(1).numpy()
            correct += int((predicted == part.labels).sum())
    return correct / len(data.images)


def evaluate_integer(
    network: IntegerNetwork, data: ImageSet, *, batch: int = 50, progress: Progress | None = None
) -> IntegerScore:
    """Accuracy and work of the golden model; the lower class wins equal logits."""
    correct = accumulates = macs = 0
    for part in _batches(data, batch, progress):
        trace = golden_forward(network, part.images)
        correct += int((trace.logits.argmax(1) == part.labels).sum())
        counts = count_operations(network, part.images, trace).values()
        accumulates += sum(count.accumulates for count in counts)
        macs += sum(count.macs for count in counts)
    total = len(data.images)
    return IntegerScore(correct / total, accumulates / total, macs / total)


def _batches(data: ImageSet, batch: int, progress: Progress | None) -> Iterator[ImageSet]:
    if np.any(data.labels < 0):
        raise ContractError("data: some images have no label; accuracy needs one folder per class")
    total = len(data.images)
    for start in range(0, total, batch):
        yield ImageSet(data.images[start : start + batch], data.labels[start : start + batch])
        if progress:
            progress(min(start + batch, total), total)
