"""Spiking patch splitting: four convolutions and the relative position embedding.

Source: Spikformer (ICLR 2023), section 3.3 (SPS); names as in the authors' code.
"""

from typing import cast

import torch
from torch import Tensor, nn

from model.neuron import lif
from model.pool import max_pool
from sparsespike.contract.network import NetworkConfig

CONV_NAMES = ("proj_conv", "proj_conv1", "proj_conv2", "proj_conv3")
NORM_NAMES = ("proj_bn", "proj_bn1", "proj_bn2", "proj_bn3")


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)


class SpikingStem(nn.Module):
    """Images to tokens; every conv is followed by batch norm and LIF, then by its max-pool."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self._config = config
        channels = (config.in_channels, *config.stem_channels)
        for index in range(4):
            self.add_module(CONV_NAMES[index], _conv(channels[index], channels[index + 1]))
            self.add_module(NORM_NAMES[index], nn.BatchNorm2d(channels[index + 1]))
        self.rpe_conv = _conv(config.dim, config.dim)
        self.rpe_bn = nn.BatchNorm2d(config.dim)

    def forward(self, images: Tensor) -> Tensor:
        """Float images (B, C, H, W), normalised, to residual counts (T, B, N, D).

        A network with varying_input takes one image a step: (T, B, C, H, W).
        """
        steps = self._config.time_steps
        x = self._pool(0, self._first_spikes(images))
        for index in range(1, 4):
            x = self._pool(index, self._fire(self._current(index, x)))
        x = self._fire(self.rpe_bn(self.rpe_conv(x))) + x
        return x.unflatten(0, (steps, -1)).flatten(3).transpose(2, 3)

    def conv(self, index: int) -> nn.Conv2d:
        """The convolution number `index`, 0..3."""
        return cast(nn.Conv2d, self.get_submodule(CONV_NAMES[index]))

    def norm(self, index: int) -> nn.BatchNorm2d:
        """The batch norm after convolution `index`, 0..3."""
        return cast(nn.BatchNorm2d, self.get_submodule(NORM_NAMES[index]))

    def _first_spikes(self, images: Tensor) -> Tensor:
        """Spikes of conv0, (T * B, C, H, W); a still image's current is computed once."""
        if self._config.varying_input:
            return self._fire(self._current(0, images.flatten(0, 1)))
        current = self._current(0, images)
        steps = self._config.time_steps
        return lif(current.unsqueeze(0).expand(steps, *current.shape)).flatten(0, 1)

    def _current(self, index: int, x: Tensor) -> Tensor:
        return cast(Tensor, self.norm(index)(self.conv(index)(x)))

    def _fire(self, current: Tensor) -> Tensor:
        return lif(current.unflatten(0, (self._config.time_steps, -1))).flatten(0, 1)

    def _pool(self, index: int, x: Tensor) -> Tensor:
        if not self._config.stem_pools[index]:
            return x
        return max_pool(x)

    def to_channels_last(self) -> None:
        """Lay the weights out channels-last, which CPUs convolve faster."""
        for conv in [*(self.conv(index) for index in range(4)), self.rpe_conv]:
            conv.weight.data = conv.weight.data.contiguous(memory_format=torch.channels_last)
