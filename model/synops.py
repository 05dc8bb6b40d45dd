"""Work that sparse hardware cannot avoid: non-zero weights met by non-zero inputs.

Source: NeuroBench's effective synaptic operations (arXiv 2304.04640): accumulates where the input
is a spike, multiply-accumulates where it has several values (pixels, residual counts).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.integer import GoldenTrace
from model.layer_inputs import layer_inputs
from sparsespike.contract.network import IntegerLayer, IntegerNetwork

_MULTI_VALUED = ("conv0", "qkv", "fc1")


@dataclass(frozen=True)
class Operations:
    """Totals over the images of a trace."""

    accumulates: int
    macs: int


def count_operations(
    network: IntegerNetwork, images: NDArray[np.uint8], trace: GoldenTrace
) -> dict[str, Operations]:
    """Effective operations of every layer over uint8 images (B, H, W, C).

    conv0 works once for all T, selector and head on sums over T. Attention: matches of K^T V, and
    each active bit of Q times the channels of a head. Padding is not counted.
    """
    return {
        name: _operations(network, network.layer(name), x)
        for name, x in layer_inputs(network, images, trace).items()
    }


def _operations(network: IntegerNetwork, layer: IntegerLayer, x: NDArray[np.integer]) -> Operations:
    if layer.kind == "attention":
        return Operations(_attention_accumulates(x, network.config.heads), 0)
    if layer.kind == "conv":
        done = _conv_operations(layer, x)
    else:
        summed = {"selector": (1,), "head": (1, 2)}.get(layer.kind, ())
        done = _linear_operations(layer, x.sum(summed, dtype=np.int64) if summed else x)
    spikes = layer.kind in ("conv", "linear") and layer.name.rsplit(".", 1)[-1] not in _MULTI_VALUED
    return Operations(done, 0) if spikes else Operations(0, done)


def _linear_operations(layer: IntegerLayer, x: NDArray[np.integer]) -> int:
    """x: (..., channels)."""
    active = np.count_nonzero(x.reshape(-1, x.shape[-1]), axis=0)
    return int(np.count_nonzero(layer.weight, axis=0) @ active)


def _conv_operations(layer: IntegerLayer, x: NDArray[np.integer]) -> int:
    """x: (B, T, H * W, channels); each tap sees the positions that its shift leaves inside."""
    size = round(x.shape[2] ** 0.5)
    active = np.count_nonzero(x, axis=(0, 1)).reshape(size, size, -1)
    padded = np.pad(active, ((1, 1), (1, 1), (0, 0)))
    seen = [
        [padded[dy : dy + size, dx : dx + size].sum((0, 1)) for dx in range(3)] for dy in range(3)
    ]  # [dy][dx] (channels,)
    return int((np.count_nonzero(layer.weight, axis=0) * np.array(seen).transpose(2, 0, 1)).sum())


def _attention_accumulates(qkv: NDArray[np.integer], heads: int) -> int:
    """qkv: (B, T, N, 3 D)."""
    q, k, v = (part.reshape(*part.shape[:3], heads, -1) for part in np.split(qkv, 3, axis=3))
    pairs = (k.sum(4, dtype=np.int64) * v.sum(4, dtype=np.int64)).sum()
    return int(pairs + q.sum(dtype=np.int64) * q.shape[4])
