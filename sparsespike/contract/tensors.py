"""Stored rows of the engine's activation memories <-> tensors in the network's own order.

A stored tensor is (tokens, step groups, rows, pitch, adders), as docs/engine.md section 1 lays it
out; the token axis is the original token index in both forms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import NetworkConfig
from sparsespike.contract.program import Layer


def stored_shape(
    layer: Layer, engine: EngineConfig, network: NetworkConfig
) -> tuple[int, int, int, int, int]:
    """(tokens stored, groups, rows, pitch, adders) of what `layer` writes.

    Raises ContractError for a layer that stores no rows (selector, head).
    """
    rows = layer.descriptor.destination_rows
    if rows == 0:
        raise ContractError(f"layer {layer.name} stores no rows; read its scores or logits instead")
    groups = derived.step_groups(engine, network.time_steps)
    return (layer.tensor_tokens, groups, rows, derived.lane_pitch(engine), engine.time_steps)


def blank(
    layer: Layer, engine: EngineConfig, network: NetworkConfig, dtype: type = np.uint8
) -> NDArray[Any]:
    """Stored rows of `layer`, all zero."""
    return np.zeros(stored_shape(layer, engine, network), dtype)


def natural_tensor(
    layer: Layer, engine: EngineConfig, network: NetworkConfig, rows: NDArray[Any]
) -> NDArray[Any]:
    """(T, tokens stored, channels) of stored rows: spikes or counts, dtype kept.

    Slots without a channel and steps past T are dropped, whatever they hold.
    """
    shape = stored_shape(layer, engine, network)
    if rows.shape != shape:
        raise ContractError(f"layer {layer.name}: rows are {rows.shape}, not {shape}")
    tokens, groups, _, _, adders = shape
    steps = rows.reshape(tokens, groups, -1, adders).transpose(1, 3, 0, 2)
    steps = steps.reshape(groups * adders, tokens, -1)[: network.time_steps]
    slots, channels = _used_slots(layer)
    tensor = np.zeros((network.time_steps, tokens, channels.size), rows.dtype)
    tensor[:, :, channels] = steps[:, :, slots]
    return tensor


def stored_rows(
    layer: Layer, engine: EngineConfig, network: NetworkConfig, tensor: NDArray[Any]
) -> NDArray[Any]:
    """The inverse of `natural_tensor`; slots without a channel and steps past T are 0."""
    rows = blank(layer, engine, network, tensor.dtype.type)
    tokens, groups, _, _, adders = rows.shape
    slots, channels = _used_slots(layer)
    if tensor.shape != (network.time_steps, tokens, channels.size):
        raise ContractError(
            f"layer {layer.name}: tensor is {tensor.shape}, "
            f"not {(network.time_steps, tokens, channels.size)}"
        )
    steps = np.zeros((groups * adders, tokens, layer.slot_channel.size), tensor.dtype)
    steps[: network.time_steps, :, slots] = tensor[:, :, channels]
    return steps.reshape(groups, adders, tokens, -1).transpose(2, 0, 3, 1).reshape(rows.shape)


def gather_tokens(tensor: NDArray[Any], kept: NDArray[np.integer]) -> NDArray[Any]:
    """(T, kept, channels): the tokens of `kept` (original indices), in that order."""
    return tensor[:, kept]


def _used_slots(layer: Layer) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    slots = np.flatnonzero(layer.slot_channel >= 0)
    return slots, layer.slot_channel[slots]
