"""The bands of each layer that take the fewest cycles, measured in the simulator."""

from typing import TYPE_CHECKING

from sparsespike.compiler import compile_network
from sparsespike.compiler.dataflow import dataflow
from sparsespike.compiler.mapping import possible_splits
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.derived import MAX_SPLIT
from sparsespike.contract.network import IntegerNetwork

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def best_bands(
    network: IntegerNetwork, engine: EngineConfig, images: "NDArray[np.uint8]"
) -> dict[str, int]:
    """Layer name -> bands, for `compile_network`.

    Every layer is timed with 1, 2, 4 and 8 bands, or as many as it can have, on uint8 `images`
    (N, H, W, channels). Layers hardly touch each other, so that all are measured in one frame.
    """
    from sim import simulate

    flows = [flow for flow in dataflow(network.config) if flow.kind != "attention"]
    best: dict[str, tuple[int, int]] = {}
    for most in range(MAX_SPLIT + 1):
        bands = {
            flow.name: 1 << max(s for s in possible_splits(engine, flow) if s <= most)
            for flow in flows
        }
        run = simulate(compile_network(network, engine, bands=bands), images)
        cycles = dict(zip(run.layers, run.cycles.sum(0).tolist(), strict=True))
        for name, count in bands.items():
            best[name] = min(best.get(name, (cycles[name], count)), (cycles[name], count))
    return {name: count for name, (_, count) in best.items()}
