"""Throughput of a run: frames per second, synaptic operations per second, and per watt.

*Dense-equivalent* counts the operations that the same network would need without any sparsity;
*effective* counts the additions that were done. Papers print either, so both are named everywhere.
"""

from dataclasses import dataclass

import pandas as pd

from reports.energy import total_joule
from reports.synops import synaptic_operations
from reports.workload import dense_operations
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.network import NetworkConfig


@dataclass(frozen=True)
class Throughput:
    """Means over the images of a run. One synaptic operation (SOP) is one accumulate.

    The SOPs of `effective` are accumulator additions: a weight added for a spike of one step, a
    digit of a residual count or a bit of a pixel, and the additions of attention.
    """

    latency_ms: float
    fps: float
    effective_sops: float
    dense_sops: float
    effective_gsops: float
    dense_gsops: float
    watt: float
    dynamic_watt: float
    static_watt: float
    effective_gsops_per_watt: float
    dense_gsops_per_watt: float


def throughput(
    priced: pd.DataFrame, network: NetworkConfig, engine: EngineConfig, *, images: int
) -> Throughput:
    """Throughput from the priced counter frame of `images` images, one image after the other."""
    counts = priced.groupby("counter")["count"].sum()
    seconds = float(counts["cycles"]) / images / (engine.clock_mhz * 1e6)
    additions = synaptic_operations(priced, network, images=images).total
    dense = float(dense_operations(network))
    joule = total_joule(priced) / images
    static = total_joule(priced[priced["kind"] == "static"]) / images
    watt = joule / seconds
    return Throughput(
        latency_ms=seconds * 1e3,
        fps=1 / seconds,
        effective_sops=additions,
        dense_sops=dense,
        effective_gsops=additions / seconds * 1e-9,
        dense_gsops=dense / seconds * 1e-9,
        watt=watt,
        dynamic_watt=(joule - static) / seconds,
        static_watt=static / seconds,
        effective_gsops_per_watt=_ratio(additions / seconds * 1e-9, watt),
        dense_gsops_per_watt=_ratio(dense / seconds * 1e-9, watt),
    )


def _ratio(value: float, watt: float) -> float:
    return value / watt if watt else 0.0
