"""Dense work and parameters of a network, by the convention of the papers.

Source: SparseSpikformer (arXiv 2311.08806), table of GFLOPs; Spikformer (ICLR 2023), section 4.
"""

from math import prod

from torch import device

from model.network import Spikformer
from sparsespike.contract.network import NetworkConfig


def layer_macs(config: NetworkConfig) -> dict[str, int]:
    """Dense multiply-accumulates of one image, per layer in the order of execution.

    The papers call one MAC a FLOP, charge spikes and zeros alike, and multiply by T. A selector
    and the head work on means over T: they count once. Batch norms, neurons, pools and biases are
    free. Attention counts both products of (Q K^T) V, 2 N^2 D a step.

    By hand, Spikformer-4-384 on 32x32, T = 4, in M MAC a step: stem 1.327 + 42.467 + 169.869 +
    169.869 + 84.935 = 468.467; a block of N tokens 12 D^2 N + 2 N^2 D = 113.246 + 3.146 at N = 64.
    4 * (468.467 + 4 * 116.392) = 3,736: the 3.74 G of the paper, which neither leaving attention
    out (3,686) nor K^T V first (3,711) gives. Selectors before blocks 1, 2, 3 leave 64, 44, 31, 21
    tokens at rho 0.7 and cost (64 + 44 + 31) * (D^2 / 2 + D) = 10 in all: 3,040, the paper's 3.04.
    """
    return {name: _macs(config, name) for name in config.layer_names()}


def gflops(config: NetworkConfig, keep_ratio: float | None = None) -> float:
    """Sum of `layer_macs` in units of 1e9; keep_ratio, in (0, 1], replaces the config's."""
    if keep_ratio is not None:
        config = NetworkConfig(**{**config.model_dump(), "keep_ratio": keep_ratio})
    return sum(layer_macs(config).values()) / 1e9


def parameter_count(config: NetworkConfig) -> int:
    """Trainable numbers of the float network: weights, biases, gains and offsets of batch norms."""
    with device("meta"):
        network = Spikformer(config)
    return sum(parameter.numel() for parameter in network.parameters())


def _macs(config: NetworkConfig, name: str) -> int:
    kind, shape = config.layer_kind(name), config.weight_shape(name)
    if kind == "conv":
        sizes = [before for before, _ in config.feature_sizes()]
        size = config.grid() if name == "rpe" else sizes[int(name.removeprefix("conv"))]
        return config.time_steps * size**2 * prod(shape)
    if kind == "head":
        return prod(shape)
    if kind == "selector":
        hidden, dim = shape
        block = config.selector_blocks[int(name.removeprefix("selector."))]
        given = config.kept_tokens()[block - 1] if block else config.tokens()
        return given * (hidden * dim + 2 * hidden)
    tokens = config.kept_tokens()[int(name.split(".")[1])]
    if kind == "attention":
        return config.time_steps * 2 * tokens**2 * config.dim
    return config.time_steps * tokens * prod(shape)
