"""Run a network elsewhere than on the CPU with code that knows nothing of devices."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn

from model.network import NetworkOutput, Selection, Spikformer


@contextmanager
def on_device(network: Spikformer, device: str | torch.device) -> Iterator[Spikformer]:
    """A stand-in for `network` on `device` that takes images and gives outputs on the CPU.

    When the block ends, the network is back where it was.
    """
    before = network.head.weight.device
    network.to(device)
    try:
        yield cast(Spikformer, _Placed(network, torch.device(device)))
    finally:
        network.to(before)


class _Placed(nn.Module):
    def __init__(self, network: Spikformer, device: torch.device) -> None:
        super().__init__()
        self.network, self.config, self._device = network, network.config, device

    def forward(self, images: Tensor, selection: Selection = "top") -> NetworkOutput:
        logits, fractions = self.network(images.to(self._device), selection)
        return NetworkOutput(logits.cpu(), fractions.cpu())
