"""SpikingJelly's LIF in float64 on the dequantised weights, one layer at a time."""

from dataclasses import dataclass

import numpy as np
import torch
from spikingjelly.activation_based import neuron
from torch.nn import functional

from sparsespike.contract.network import IntegerLayer, IntegerNetwork


@dataclass(frozen=True)
class OracleSpikes:
    """spikes: (B, T, positions, channels) before any pool; ties: h too close to call in float64."""

    spikes: np.ndarray
    ties: int


def current(network: IntegerNetwork, layer: IntegerLayer, x: np.ndarray) -> torch.Tensor:
    """s_c * a + s_c * b_c, float64 (B, T, positions, channels), from the layer's golden input."""
    values = torch.from_numpy(x.astype(np.float64))
    if layer.kind == "attention":
        heads = network.config.heads
        q, k, v = (p.unflatten(3, (heads, -1)).transpose(2, 3) for p in values.chunk(3, 3))
        context = ((q @ k.transpose(-2, -1)) @ v) * network.config.attention_scale
        return context.transpose(2, 3).flatten(3)
    scale = torch.from_numpy(layer.scale)
    weight = torch.from_numpy(layer.weight).double()
    weight = weight * scale.view(-1, *[1] * (weight.ndim - 1))
    bias = scale * torch.from_numpy(layer.bias)
    if layer.kind == "linear":
        return functional.linear(values, weight, bias)
    size = round(x.shape[2] ** 0.5)
    planes = values.flatten(0, 1).transpose(1, 2).unflatten(2, (size, size))
    pad = (
        torch.from_numpy(network.pixel_pad).double()
        if layer.name == "conv0"
        else torch.zeros(planes.shape[1], dtype=torch.float64)
    )
    padded = pad[None, :, None, None].repeat(len(planes), 1, size + 2, size + 2)
    padded[..., 1:-1, 1:-1] = planes
    out = functional.conv2d(padded, weight, bias)
    return out.flatten(2).transpose(1, 2).unflatten(0, x.shape[:2])


def fire(network: IntegerNetwork, layer: IntegerLayer, x: np.ndarray) -> OracleSpikes:
    """Spikes of the layer for its golden input x (B, T or 1, positions, channels)."""
    steps = network.config.time_steps
    attention = layer.kind == "attention"
    threshold = 0.5 if attention else 1.0
    inputs = current(network, layer, x).transpose(0, 1)
    inputs = inputs.expand(steps, *inputs.shape[1:])
    node = neuron.LIFNode(
        tau=2.0, v_threshold=threshold, detach_reset=True, step_mode="m", backend="torch"
    )
    spikes = node(inputs)
    membrane, ties = torch.zeros_like(inputs[0]), 0
    for step, fired in zip(inputs, spikes, strict=True):
        charged = (membrane + step) / 2
        distance = (charged - threshold).abs()
        ties += int(((distance < 1e-9) & ~(attention & (distance == 0))).sum())
        membrane = charged * (1 - fired)
    return OracleSpikes(spikes.transpose(0, 1).numpy().astype(np.uint8), ties)


def pool(spikes: np.ndarray) -> np.ndarray:
    """torch's 3x3 max-pool of stride 2 and padding 1 on (B, T, H * W, channels)."""
    size = round(spikes.shape[2] ** 0.5)
    planes = torch.from_numpy(spikes).double().flatten(0, 1).transpose(1, 2)
    pooled = functional.max_pool2d(planes.unflatten(2, (size, size)), 3, 2, 1).flatten(2)
    return pooled.transpose(1, 2).unflatten(0, spikes.shape[:2]).numpy().astype(np.uint8)
