"""Leaky integrate-and-fire neuron as pure functions (tau 2, hard reset to 0).

Source: SpikingJelly's LIFNode(tau=2, detach_reset=True), as used by Spikformer (ICLR 2023, 3.1).
"""

import math
from typing import Any

import torch
from torch import Tensor

_SLOPE = 2.0


class _Spike(torch.autograd.Function):
    """Heaviside step; backward is the derivative of atan(pi/2 * slope * x)/pi + 1/2."""

    @staticmethod
    def forward(ctx: Any, distance: Tensor) -> Tensor:
        """1 where distance >= 0, else 0, in the dtype of distance."""
        ctx.save_for_backward(distance)
        return (distance >= 0).to(distance.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """ATan surrogate (Fang et al., ICCV 2021, equation 8), slope 2."""
        (distance,) = ctx.saved_tensors
        steepness = math.pi / 2 * _SLOPE
        return gradients[0] * (_SLOPE / 2) / (1 + (steepness * distance) ** 2)


def spike(distance: Tensor) -> Tensor:
    """1 where the membrane is at or above its threshold (distance >= 0), with ATan surrogate."""
    return _Spike.apply(distance)


def lif_step(current: Tensor, membrane: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    """One time step: h = (v + i) / 2, spike if h >= threshold, then v = 0.

    current, membrane: any equal shape. Returns (spikes, next membrane). The reset carries no
    gradient (detach_reset).
    """
    charged = (membrane + current) * 0.5
    spikes = spike(charged - threshold)
    return spikes, charged * (1 - spikes.detach())


def lif(currents: Tensor, threshold: float = 1.0) -> Tensor:
    """Spikes (T, ...) of currents (T, ...), membrane 0 before the first step."""
    membrane = torch.zeros_like(currents[0])
    spikes = []
    for current in currents:
        fired, membrane = lif_step(current, membrane, threshold)
        spikes.append(fired)
    return torch.stack(spikes)
