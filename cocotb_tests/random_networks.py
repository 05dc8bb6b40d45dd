"""Random small networks with every kind of operator, and images that stress them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.random_network import random_images, random_integer_network
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.network import IntegerNetwork, NetworkConfig

_STEPS = (1, 2, 3, 4, 4, 8)
_DENSITIES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0)
_KEEP_RATIOS = (0.01, 0.2, 0.5, 0.7, 0.9, 1.0)
_SCALES = (0.125, 0.25, 0.5, 1.0)
_CALIBRATED = 0.95
_IMAGES = ("smooth", "smooth", "smooth", "smooth", "noise", "black", "constant", "white")


def random_network_config(generator: np.random.Generator, engine: EngineConfig) -> NetworkConfig:
    """A network shape that is meant to fit `engine`: at least one selector, pool and head."""
    heads = int(generator.integers(1, 4))
    dim = heads * int(generator.integers(2, 9))
    depth = int(generator.integers(1, 3))
    image_size = int(generator.integers(8, 13))
    first, last = generator.random(2) < 0.4
    pools = (bool(first), False, bool(generator.random() < 0.2), bool(last or not first))
    shape = NetworkConfig(
        time_steps=int(generator.choice(_STEPS)),
        image_size=image_size,
        in_channels=int(generator.choice((1, 3, 3, 4))),
        dim=dim,
        depth=depth,
        heads=heads,
        mlp_ratio=int(generator.integers(1, 5)),
        classes=int(generator.integers(2, 13)),
        stem_channels=(*(int(c) for c in generator.integers(1, 13, 3)), dim),
        stem_pools=pools,
        selector_blocks=_selectors(generator, depth),
        keep_ratio=float(generator.choice(_KEEP_RATIOS)),
        weight_bits=int(generator.choice([b for b in (4, 6, 8) if b <= engine.weight_bits])),
    )
    return shape.model_copy(update={"attention_scale": _attention_scale(generator, shape)})


def _attention_scale(generator: np.random.Generator, shape: NetworkConfig) -> float:
    """A scale at which the few tokens and channels of a small head can reach the threshold."""
    reach = min(shape.kept_tokens()) * shape.dim // shape.heads
    scales = [scale for scale in _SCALES if 2 / scale <= reach]
    return float(generator.choice(scales or _SCALES[-1:]))


def random_case(
    generator: np.random.Generator, engine: EngineConfig
) -> tuple[IntegerNetwork, NDArray[np.uint8]]:
    """A network and one image for it.

    Most networks are calibrated on that image, so that their layers fire even if it is black;
    some on other images, so that whole layers may stay silent or saturate.
    """
    config = random_network_config(generator, engine)
    density = float(generator.choice(_DENSITIES))
    seed = int(generator.integers(1 << 31))
    image = random_stress_image(generator, config)
    images = image if generator.random() < _CALIBRATED else None
    network = random_integer_network(config, weight_density=density, seed=seed, images=images)
    return network, image


def random_stress_image(generator: np.random.Generator, config: NetworkConfig) -> NDArray[np.uint8]:
    """uint8 (1, H, W, C): smooth, noise, all zero, one value everywhere, or saturated."""
    kind = str(generator.choice(_IMAGES))
    shape = (1, config.image_size, config.image_size, config.in_channels)
    if kind == "smooth":
        return random_images(config, 1, seed=int(generator.integers(1 << 31)))
    if kind == "noise":
        return generator.integers(0, 256, shape).astype(np.uint8)
    value = {"black": 0, "white": 255}.get(kind, int(generator.integers(1, 255)))
    return np.full(shape, value, np.uint8)


def _selectors(generator: np.random.Generator, depth: int) -> tuple[int, ...]:
    chosen = tuple(block for block in range(depth) if generator.random() < 0.7)
    return chosen or (int(generator.integers(depth)),)
