"""The mapping of each layer that takes the fewest cycles: profiled, then measured."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sparsespike.cli.profiled import input_activity
from sparsespike.compiler import compile_network
from sparsespike.compiler.dataflow import dataflow
from sparsespike.compiler.mapping import possible_splits
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.derived import MAX_SPLIT
from sparsespike.contract.network import IntegerNetwork

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Tuning:
    """Arguments of `compile_network`: profiled activity, if it helps, and bands by layer name."""

    activity: "dict[str, NDArray[np.float64]] | None" = None
    bands: dict[str, int] = field(default_factory=dict)

    def arguments(self) -> dict[str, Any]:
        """As keywords."""
        return {"activity": self.activity, "bands": self.bands}


def tune(network: IntegerNetwork, engine: EngineConfig, images: "NDArray[np.uint8]") -> Tuning:
    """The best of: the compiler's choice, measured bands, and both with profiled activity.

    images: uint8 (N, H, W, channels), profiled on the golden model and timed in the simulator.
    """
    best, least = Tuning(), _total(network, engine, Tuning(), images)
    for activity in (None, input_activity(network, engine, images)):
        measured = Tuning(activity, _best_bands(network, engine, activity, images))
        for tuning in (Tuning(activity), measured):
            cycles = _total(network, engine, tuning, images)
            if cycles < least:
                best, least = tuning, cycles
    return best


def _best_bands(
    network: IntegerNetwork,
    engine: EngineConfig,
    activity: "dict[str, NDArray[np.float64]] | None",
    images: "NDArray[np.uint8]",
) -> dict[str, int]:
    """Every layer is timed with 1, 2, 4 and 8 bands, or as many as it can have.

    Layers hardly touch each other, so that all are measured in one frame.
    """
    flows = [flow for flow in dataflow(network.config) if flow.kind != "attention"]
    best: dict[str, tuple[int, int]] = {}
    for most in range(MAX_SPLIT + 1):
        bands = {
            flow.name: 1 << max(s for s in possible_splits(engine, flow) if s <= most)
            for flow in flows
        }
        cycles = _cycles(network, engine, Tuning(activity, bands), images)
        for name, count in bands.items():
            best[name] = min(best.get(name, (cycles[name], count)), (cycles[name], count))
    return {name: count for name, (_, count) in best.items()}


def _total(
    network: IntegerNetwork, engine: EngineConfig, tuning: Tuning, images: "NDArray[np.uint8]"
) -> int:
    return sum(_cycles(network, engine, tuning, images).values())


def _cycles(
    network: IntegerNetwork, engine: EngineConfig, tuning: Tuning, images: "NDArray[np.uint8]"
) -> dict[str, int]:
    from sim import simulate

    run = simulate(compile_network(network, engine, **tuning.arguments()), images)
    return dict(zip(run.layers, run.cycles.sum(0).tolist(), strict=True))
