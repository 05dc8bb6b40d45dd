"""Storage and place of every tensor of a network on an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparsespike.compiler.dataflow import COUNT_TENSORS, IMAGE, RESIDUAL, STEM, Flow
from sparsespike.compiler.mapping import tile_cycles
from sparsespike.compiler.memory import place_tensors
from sparsespike.compiler.storage import (
    Storage,
    attention_storage,
    plain_storage,
    qkv_storage,
    shared_storage,
)
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.network import IntegerNetwork

Work = tuple[NDArray[np.int64], int]
"""Expected cycles of each output channel's lane, and of a tile at least."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Attributes: storage and base (first chunk word) of each tensor by name."""

    storage: Mapping[str, Storage]
    base: Mapping[str, int]


def plan_tensors(
    net: IntegerNetwork,
    engine: EngineConfig,
    flows: Sequence[Flow],
    cycles: Mapping[str, NDArray[np.int64]],
    *,
    ordered: bool,
) -> Plan:
    """Lays out every tensor. Raises ContractError if a memory is too small.

    cycles: (out,) `channel_cycles` of each layer with weights; ordered: by them, see
    `compile_network`.
    """
    work = {
        flow.name: _lane_work(net, engine, flow, cycles[flow.name], ordered=ordered)
        for flow in flows
        if flow.target and flow.kind != "attention"
    }
    storage = {IMAGE: _image_storage(engine, net.config.in_channels)}
    storage[STEM] = storage[RESIDUAL] = _residual_storage(engine, flows, work)
    for flow in flows:
        if flow.target is None or flow.target in storage:
            continue
        if flow.kind == "attention":
            made = attention_storage(engine, storage[flow.source], net.config.dim)
        elif flow.name.endswith(".qkv"):
            made = qkv_storage(engine, *work[flow.name], net.config.heads)
        else:
            made = plain_storage(engine, work[flow.name][0])
        storage[flow.target] = made
    return Plan(storage, place_tensors(engine, flows, _sizes(net, engine, flows, storage)))


def nonzeros(net: IntegerNetwork, flow: Flow) -> NDArray[np.int64]:
    """(out,) non-zero weights of each output channel."""
    weight = net.layer(flow.name).weight
    count: NDArray[np.int64] = np.count_nonzero(weight.reshape(len(weight), -1), axis=1)
    return count


def _lane_work(
    net: IntegerNetwork,
    engine: EngineConfig,
    flow: Flow,
    cycles: NDArray[np.int64],
    *,
    ordered: bool,
) -> Work:
    """Expected cycles of each output channel's lane, and of a tile at least, over all positions.

    Not ordered: as if all channels had as much to do, which leaves them where they are.
    """
    channels = net.layer(flow.name).weight.shape[1]
    words = flow.neighbours * derived.ceil_div(channels, engine.chunk)
    lanes = cycles * flow.tokens
    if not ordered:
        lanes = np.ones_like(lanes)
    return lanes, tile_cycles(engine, flow, words) * flow.tokens


def _residual_storage(
    engine: EngineConfig, flows: Sequence[Flow], work: Mapping[str, Work]
) -> Storage:
    """That of x, whose order all layers share that add to it."""
    writers = [work[flow.name] for flow in flows if flow.target in COUNT_TENSORS]
    lanes, floors = zip(*writers, strict=True)
    return shared_storage(engine, np.stack(lanes, axis=1), np.array(floors))


def _image_storage(engine: EngineConfig, channels: int) -> Storage:
    """Pixel words: slot c is channel c, one word per pass; masks are shared by the passes."""
    slots = np.full(engine.chunk, -1, np.int64)
    slots[:channels] = np.arange(channels)
    return Storage((), slots, words=derived.pixel_passes(engine), chunks=1)


def _sizes(
    net: IntegerNetwork, engine: EngineConfig, flows: Sequence[Flow], storage: Mapping[str, Storage]
) -> dict[str, int]:
    """Chunk words of each tensor, whole lines."""
    groups = derived.step_groups(engine, net.config.time_steps)
    per_line = derived.words_per_line(engine)
    pixels = net.config.image_size**2 * storage[IMAGE].words
    sizes = {IMAGE: derived.ceil_div(pixels, per_line) * per_line}
    for flow in flows:
        if flow.target is not None:
            sizes[flow.target] = flow.stored * groups * storage[flow.target].words
    return sizes
