"""Spikformers of full size with random tickets, where no trained ones exist.

Weights are random; what the engine's cycles depend on is that of a trained, pruned network: the
density of each layer as global magnitude pruning leaves it (stem denser, later layers sparser), an
uneven fan-out of the output channels, and firing rates calibrated layer by layer on real images, so
that spikes are correlated over time and space, and about as bunched in time as those of `nano`.
Accuracies of such a network mean nothing.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.random_network import random_integer_network
from model.zoo import sample_images
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerNetwork, NetworkConfig

SPIKFORMER_4_384 = NetworkConfig(
    time_steps=4, image_size=32, dim=384, depth=4, heads=12, selector_blocks=(1, 2, 3)
)
"""CIFAR-10's; the keep ratio is the ticket's."""
TICKETS: dict[str, tuple[float, float]] = {
    # name: (weight sparsity, keep ratio)
    "spikformer-4-384": (0.9, 0.9),
    "spikformer-4-384-s94-r70": (0.939, 0.7),
}

CALIBRATION_IMAGES = 8
_FIRING = {
    "conv0": 0.125,
    "conv1": 0.116,
    "conv2": 0.072,
    "conv3": 0.06,
    "rpe": 0.047,
    "proj": 0.0135,
    "fc1": 0.103,
    "fc2": 0.0135,
}
"""Mean firing rates; those of pooled layers are three times what they fire before the pool."""
_BUNCHING = {
    "conv0": (0.2, 0.9),
    **{f"conv{index}": (0.15, 0.75) for index in (1, 2, 3)},
    "rpe": (0.25, 0.9),
    "qkv": (0.4, 1.2),
    "proj": (0.25, 0.9),
    "fc2": (0.25, 0.9),
}
"""Thresholds, in standard deviations of a channel's current: low ones bunch spikes in time.

With these a weight of `spikformer-4-384` that meets a spike is added 1.9 times, by layer 1.3 (fc2)
to 2.7 (conv1) times, as in the trained `nano`: 1.2 (fc2) to 2.6 (conv1). Inputs fire 15 % weighted
by synaptic operations, 11 to 25 % by layer, on the first sample images, which are not calibrated
on.
"""
_LOOSE = (0.5, 1.5)
_SPREAD = 0.8
"""A channel's rate is within 1 +- this of its layer's."""
_QKV_FIRING = (0.075, 0.085, 0.095)
_RELATIVE_DENSITY = {
    "conv0": 3.6,
    "conv1": 1.7,
    "conv2": 1.3,
    "conv3": 1.15,
    "rpe": 1.1,
    "qkv": 1.25,
    "proj": 1.15,
    "fc1": 0.95,
    "fc2": 0.85,
    "selector": 0.3,
    "head": 2.8,
}
_BLOCK_DECAY = 0.93
_HIGHEST_DENSITY = 0.9


def layer_densities(config: NetworkConfig, sparsity: float) -> dict[str, float]:
    """Share of non-zero weights of each layer; over all layers it is 1 - `sparsity`."""
    sizes = {name: int(np.prod(config.weight_shape(name))) for name in config.layer_names()}
    relative = {name: _relative_density(name) for name in sizes}
    low, high = 0.0, 1.0
    for _ in range(60):
        scale = (low + high) / 2
        density = {n: min(_HIGHEST_DENSITY, scale * relative[n]) for n in sizes}
        kept = sum(density[n] * sizes[n] for n in sizes)
        low, high = (scale, high) if kept < (1 - sparsity) * sum(sizes.values()) else (low, scale)
    return density


def random_ticket(
    config: NetworkConfig,
    *,
    sparsity: float,
    images: NDArray[np.uint8],
    seed: int,
    balanced: bool = False,
) -> IntegerNetwork:
    """A random ticket of `config`. images: uint8 (B, H, W, C) to calibrate on.

    balanced: all outputs of a layer have as many weights, which pruning does not leave by itself.
    """
    return random_integer_network(
        config,
        weight_density=layer_densities(config, sparsity),
        seed=seed,
        target_firing={
            name: (rate * (1 - _SPREAD), rate * (1 + _SPREAD))
            for name in config.layer_names()
            if (rate := _FIRING.get(_part(name)))
        },
        qkv_firing=_QKV_FIRING,
        thresholds={name: _BUNCHING.get(_part(name), _LOOSE) for name in config.layer_names()},
        balanced=balanced,
        images=images,
    )


def make_ticket(name: str, *, seed: int = 0, balanced: bool = False) -> IntegerNetwork:
    """The ticket called `name`, calibrated on the shipped sample images; see `random_ticket`."""
    if name not in TICKETS:
        raise ContractError(f"ticket {name!r} is unknown; choose one of {', '.join(TICKETS)}")
    sparsity, keep_ratio = TICKETS[name]
    config = SPIKFORMER_4_384.model_copy(update={"keep_ratio": keep_ratio})
    images = sample_images().images[-CALIBRATION_IMAGES:]
    return random_ticket(config, sparsity=sparsity, images=images, seed=seed, balanced=balanced)


def _relative_density(name: str) -> float:
    block = int(name.split(".")[1]) if name.startswith("block.") else 0
    return _RELATIVE_DENSITY.get(_part(name), 1.0) * _BLOCK_DECAY**block


def _part(name: str) -> str:
    """conv0 of conv0, selector of selector.2, fc1 of block.3.fc1."""
    parts = name.split(".")
    return parts[2] if parts[0] == "block" else parts[0]


def main() -> None:
    """Write a ticket to a file that every command takes as `--network`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="example: python -m model.random_ticket spikformer-4-384 --out build/4-384.int8.npz",
    )
    parser.add_argument("name", choices=tuple(TICKETS))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--balanced", action="store_true", help="as many weights for every output")
    arguments = parser.parse_args()
    network = make_ticket(arguments.name, seed=arguments.seed, balanced=arguments.balanced)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    network.save(arguments.out)
    print(f"{arguments.out}: {network.weight_sparsity():.4f} sparse")


if __name__ == "__main__":
    main()
