"""Random small engines: every parameter that changes what the hardware looks like is drawn."""

from __future__ import annotations

import numpy as np

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig, load_engine

_CLUSTERS = (1, 2, 3, 4, 6, 7)
_CHUNKS = (4, 8, 8, 16, 16, 32, 64)
_ADDERS = (1, 2, 3, 4, 4, 8)
_LANE_CHANNELS = (1, 1, 2)
_LANE_KINDS = ("matching", "matching", "serial")
_MOST_LANES = 16
LARGE, SMALL = 2048, 768
"""Lanes x chunk x adders of an engine, at most: what its build takes follows from that."""


def random_engine(generator: np.random.Generator, *, size: int = LARGE) -> EngineConfig:
    """An engine of at most `size` (see LARGE), with buffers for the random networks."""
    clusters = int(generator.choice(_CLUSTERS))
    adders = int(generator.choice(_ADDERS))
    chunk = int(generator.choice(_CHUNKS))
    most = min(_MOST_LANES, max(1, size // (clusters * chunk * adders)))
    lanes = int(generator.integers(1, most + 1))
    bus = 128 if chunk == 64 else int(generator.choice((64, 128)))
    fields = {
        "clusters": clusters,
        "attention_units": int(generator.integers(1, clusters + 1)),
        "lanes": lanes,
        "chunk": chunk,
        "time_steps": adders,
        "fifo_depth": int(generator.integers(1, 9)),
        "weight_bits": int(generator.choice((4, 6, 8))),
        "axi_data_bits": bus,
        "memory_latency": int(generator.integers(1, 61)),
        "memory_interval": int(generator.integers(1, 4)),
        "mask_depth": int(generator.integers(96, 160)),
        "weight_depth": int(generator.integers(400, 600)),
        "count_bits": int(generator.integers(3, 6)),
        "max_tokens": int(generator.integers(64, 100)),
        "max_layers": int(generator.integers(20, 40)),
        "max_classes": int(generator.integers(12, 40)),
        "accumulator_bits": int(generator.integers(20, 27)),
        "membrane_bits": int(generator.integers(38, 49)),
        "lane_channels": int(generator.choice(_LANE_CHANNELS)),
        "digit_bits": int(generator.integers(1, 3)),
        "lane_kind": str(generator.choice(_LANE_KINDS)),
    }
    fields["weight_depth"] *= fields["lane_channels"]
    shape = {"lanes": lanes, "chunk": chunk, "lane_channels": fields["lane_channels"]}
    slots = max(derived.line_slots(load_engine("small", **shape)), 16)
    return load_engine(
        "small",
        spike_depth=16384,
        count_depth=8192,
        head_slots=slots,
        attention_depth=slots * 16,
        **fields,
    )
