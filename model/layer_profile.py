"""What the integer network does on images, layer by layer: spikes, operations, kept tokens."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.evaluate import Progress
from model.integer import GoldenTrace, golden_forward
from model.layer_inputs import layer_inputs
from model.synops import count_operations
from sparsespike.contract.network import IntegerNetwork

_BEFORE_ADDITION = {"rpe": "rpe", "proj": "qkv", "fc2": "fc1"}
"""Layers that add to the residual count, and the layer whose input is the count before it."""


@dataclass(frozen=True, eq=False)
class LayerProfile:
    """What one network did on N images.

    layers: one row per layer, in order of execution; totals over the images: accumulates and macs
        (model.synops), spikes, and neurons, the chances to fire: outputs x time steps. Stem layers
        are counted after their max-pool. spikes and neurons are 0 for selectors and head.
    predicted: int64 (N,), the lower class wins equal logits.
    kept: per selector the original positions of the kept tokens, int64 (N, keep), ascending.
    """

    layers: pd.DataFrame
    predicted: NDArray[np.int64]
    kept: dict[str, NDArray[np.int64]]


def profile_layers(
    network: IntegerNetwork,
    images: NDArray[np.uint8],
    *,
    batch: int = 50,
    progress: Progress | None = None,
) -> LayerProfile:
    """Run the golden model on uint8 images (N, H, W, C)."""
    frames, predicted = [], []
    kept: dict[str, list[NDArray[np.int64]]] = {}
    for start in range(0, len(images), batch):
        part = images[start : start + batch]
        trace = golden_forward(network, part)
        frames.append(_layer_frame(network, part, trace))
        predicted.append(trace.logits.argmax(1))
        for name, positions in trace.kept.items():
            kept.setdefault(name, []).append(positions)
        if progress:
            progress(start + len(part), len(images))
    return LayerProfile(
        pd.concat(frames).groupby("layer", sort=False, as_index=False).sum(),
        np.concatenate(predicted),
        {name: np.concatenate(parts) for name, parts in kept.items()},
    )


def _layer_frame(
    network: IntegerNetwork, images: NDArray[np.uint8], trace: GoldenTrace
) -> pd.DataFrame:
    inputs = layer_inputs(network, images, trace)
    work = count_operations(network, images, trace)
    rows = []
    for layer, output in trace.layers.items():
        fires = output.ndim == 4
        block, _, part = layer.rpartition(".")
        before = _BEFORE_ADDITION.get(part)
        counted = inputs[f"{block}.{before}" if block else before].sum() if before else 0
        spikes = int(output.sum()) - int(counted) if fires else 0
        neurons = output.size if fires else 0
        rows.append((layer, work[layer].accumulates, work[layer].macs, spikes, neurons))
    return pd.DataFrame(rows, columns=["layer", "accumulates", "macs", "spikes", "neurons"])
