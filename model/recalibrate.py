"""Batch-norm statistics of the network as it will run: weights pruned, tokens dropped."""

import torch
from torch import nn

from model.data import ImageSet
from model.network import Selection, Spikformer
from model.pixels import PixelScale


def recalibrate(
    network: Spikformer,
    data: ImageSet,
    pixels: PixelScale,
    selection: Selection = "top",
    *,
    batch: int = 128,
) -> None:
    """Replace every running mean and variance by their average over the batches of `data`.

    selection: how tokens are dropped meanwhile. Training by masks lets dropped tokens into the
    statistics; with "top" only the kept ones count.
    """
    norms = [m for m in network.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative average
    network.train()
    with torch.no_grad():
        for start in range(0, len(data.images) - batch + 1, batch):
            raw = torch.from_numpy(data.images[start : start + batch])
            network(pixels.normalize(raw), selection)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.eval()
