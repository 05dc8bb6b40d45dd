"""Networks with less sparsity than the one at hand, so that each kind of it can be measured.

All keep the shape of the layers, so every one of them runs on the same engine.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sparsespike.compiler import compile_network
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerLayer, IntegerNetwork
from sparsespike.contract.program import Program

_WEIGHT_KINDS = ("conv", "linear", "selector", "head")


def with_keep_ratio(network: IntegerNetwork, ratio: float) -> IntegerNetwork:
    """The same network keeping another share of its tokens, not trained for it; 1 keeps all.

    The head's bias stands for T x kept tokens and is scaled to their new number.
    """
    blocks = network.config.selector_blocks if ratio < 1 else ()
    config = network.config.model_copy(update={"keep_ratio": ratio, "selector_blocks": blocks})
    before, after = network.config.kept_tokens()[-1], config.kept_tokens()[-1]
    layers = [
        _kept(layer, config.selector_keep(int(layer.name.split(".")[1])))
        if layer.kind == "selector"
        else layer
        for layer in network.layers
        if layer.kind != "selector" or blocks
    ]
    layers[-1] = _head_for(layers[-1], before, after)
    return IntegerNetwork(config=config, pixel_pad=network.pixel_pad, layers=tuple(layers))


def with_selectors(network: IntegerNetwork, count: int) -> IntegerNetwork:
    """The same network with its first `count` token selectors only; 0 drops no token.

    ContractError if it has fewer.
    """
    own = network.config.selector_blocks
    if count > len(own):
        raise ContractError(f"selectors {count}: the network has {len(own)}; use at most as many")
    if count == len(own):
        return network
    if not count:
        return with_keep_ratio(network, 1.0)
    config = network.config.model_copy(update={"selector_blocks": own[:count]})
    kept = {f"selector.{index}" for index in range(count)}
    layers = [x for x in network.layers if x.kind != "selector" or x.name in kept]
    before, after = network.config.kept_tokens()[-1], config.kept_tokens()[-1]
    return IntegerNetwork(
        config, network.pixel_pad, (*layers[:-1], _head_for(layers[-1], before, after))
    )


def always_firing(
    network: IntegerNetwork, *, with_zeros: bool = False
) -> tuple[IntegerNetwork, NDArray[np.uint8]]:
    """A network whose every neuron fires in every step, and the image for it.

    with_zeros: weights that are 0 stay so; else it has none.
    """
    full = with_keep_ratio(network, 1.0)
    layers = tuple(_firing(layer, 0 if with_zeros else 1) for layer in full.layers)
    size, channels = full.config.image_size, full.config.in_channels
    white = np.full((1, size, size, channels), 255, np.uint8)
    return replace(full, pixel_pad=np.full(channels, 255, np.uint8), layers=layers), white


def without_weight_skipping(network: IntegerNetwork, engine: EngineConfig) -> Program:
    """The program that stores and adds every weight, also the zeros; it computes the same.

    The zeros are compiled as 1 and as -1; where one image has a 1 and the other a -1 stands a zero.
    """
    programs = [compile_network(_zeros_as(network, value), engine) for value in (1, -1)]
    ones, others = (program.image for program in programs)
    if engine.weight_bits == 4:
        low = np.where((ones & 0x0F == 0x01) & (others & 0x0F == 0x0F), 0x0F, 0)
        high = np.where((ones & 0xF0 == 0x10) & (others & 0xF0 == 0xF0), 0xF0, 0)
        image = ones & ~(low | high).astype(np.uint8)
    else:
        image = np.where((ones == 0x01) & (others == 0xFF), 0, ones).astype(np.uint8)
    return replace(programs[0], image=image, network_hash=network.content_hash())


def _head_for(head: IntegerLayer, before: int, after: int) -> IntegerLayer:
    """The head for another number of kept tokens."""
    return replace(head, bias=np.rint(head.bias * (after / before)).astype(np.int64))


def _kept(layer: IntegerLayer, keep: int) -> IntegerLayer:
    return replace(layer, keep=keep)


def _firing(layer: IntegerLayer, least: int) -> IntegerLayer:
    if layer.kind == "attention":
        return replace(layer, threshold=np.ones_like(layer.threshold))
    positive = np.maximum(np.abs(layer.weight), least).astype(np.int8)
    return replace(
        layer,
        weight=positive,
        bias=np.ones_like(layer.bias),
        threshold=np.ones_like(layer.threshold),
    )


def _zeros_as(network: IntegerNetwork, value: int) -> IntegerNetwork:
    layers = tuple(
        replace(layer, weight=np.where(layer.weight == 0, value, layer.weight).astype(np.int8))
        if layer.kind in _WEIGHT_KINDS
        else layer
        for layer in network.layers
    )
    return replace(network, layers=layers)
