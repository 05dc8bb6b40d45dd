"""Synaptic operations in NeuroBench's terms (arXiv 2304.04640), as far as the counters tell.

NeuroBench counts *dense* operations (every weight and input), *effective ACs* (non-zero weights met
by spikes) and *effective MACs* (non-zero weights met by other non-zero inputs). The engine does no
multiplication: it adds a weight once for every set bit of a pixel or non-zero digit (a bit, or two
with `digit_bits` = 2) of a residual count.
"""

from typing import NamedTuple

import pandas as pd

from reports.activity import wide_counters
from reports.workload import layer_work
from sparsespike.contract.network import NetworkConfig

_MULTI_VALUED = ("conv0", "qkv", "fc1")


class SynapticOperations(NamedTuple):
    """Means a frame.

    dense: every weight met by every input of every step, in the layers' own number of tokens.
    effective_acs: additions of layers whose input is spikes: exactly NeuroBench's effective ACs.
    bitplane_additions: additions of layers whose input is pixels or counts; NeuroBench counts an
    effective MAC for each input value, so this is at least as many, fewer with 2-bit digits.
    attention_additions: rows of K^T V counters touched, times the channels of a head.
    """

    dense: float
    effective_acs: float
    bitplane_additions: float
    attention_additions: float

    @property
    def total(self) -> float:
        """Everything that was added."""
        return self.effective_acs + self.bitplane_additions + self.attention_additions


def synaptic_operations(
    counters: pd.DataFrame, network: NetworkConfig, *, images: int
) -> SynapticOperations:
    """Operations of a frame from the totals of a counter frame over `images` images."""
    wide = wide_counters(counters)
    work = layer_work(network)
    multi = [_multi_valued(network, str(name)) for name in wide.index]
    additions = wide["additions"] / images
    rows = (wide["attention_updates"] + wide["attention_accumulates"]).sum() / images
    return SynapticOperations(
        dense=float((work["macs"] * work["steps"]).sum()),
        effective_acs=float(additions[[not flag for flag in multi]].sum()),
        bitplane_additions=float(additions[multi].sum()),
        attention_additions=float(rows * (network.dim // network.heads)),
    )


def _multi_valued(network: NetworkConfig, name: str) -> bool:
    kind = network.layer_kind(name)
    return kind in ("selector", "head") or name.rsplit(".", 1)[-1] in _MULTI_VALUED
