"""The networks of a design space: one network with other keep ratios, weights and selectors."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from sparsespike.cli.inputs import find_checkpoint, load_network
from sparsespike.cli.variants import with_keep_ratio, with_selectors
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerNetwork

_SMALL_FLOOR = 0.4
"""Share of weights that a small tensor keeps, as in the shipped recipes (prune.small_floor)."""


class NetworkVariants:
    """Variants of the network called `name`, a zoo name or a file; none of them is retrained."""

    def __init__(self, name: str) -> None:
        """Raises ContractError if there is no such network."""
        self._own = load_network(name)
        self._name = name
        self._checkpoint = find_checkpoint(name)

    def variant(self, knobs: Mapping[str, int | float]) -> IntegerNetwork:
        """The network with the knobs of `reports.explore.knobs.NETWORK_KNOBS` that are given.

        ContractError where the network has no such selectors, no checkpoint to quantise anew, or
        is sparser already.
        """
        sparsity = float(knobs.get("weight_sparsity", 0.0))
        bits = int(knobs.get("weight_bits", self._own.config.weight_bits))
        network = self._own
        if sparsity or bits != network.config.weight_bits:
            network = _requantized(self._file(), bits, sparsity)
        if "selectors" in knobs:
            network = with_selectors(network, int(knobs["selectors"]))
        ratio = float(knobs.get("keep_ratio", network.config.keep_ratio))
        if network.config.selector_blocks and ratio != network.config.keep_ratio:
            network = with_keep_ratio(network, ratio)
        return network

    def _file(self) -> Path:
        if self._checkpoint is None:
            raise ContractError(
                f"network {self._name} has no float checkpoint, which weight_bits and "
                "weight_sparsity need: name a .safetensors file"
            )
        return self._checkpoint


@lru_cache(maxsize=64)
def _requantized(path: Path, bits: int, sparsity: float) -> IntegerNetwork:
    """The checkpoint with its smallest weights cut to `sparsity` (0: none), at `bits` bits."""
    from model.checkpoint import load_checkpoint
    from model.prune import magnitude_masks, weight_sparsity
    from model.quantize import quantize
    from model.train import hold_zeros

    checkpoint = load_checkpoint(path)
    network = checkpoint.network
    if sparsity:
        own = weight_sparsity(network)
        if sparsity <= own:
            raise ContractError(
                f"weight_sparsity {sparsity:g} is not above the checkpoint's own {own:.4f}: cut "
                "weights do not come back"
            )
        hold_zeros(network, magnitude_masks(network, sparsity, small_floor=_SMALL_FLOOR))
    network.config = network.config.model_copy(update={"weight_bits": bits})
    return quantize(network, checkpoint.pixels)
