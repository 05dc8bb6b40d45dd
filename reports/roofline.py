"""Layers between the two roofs of an engine: its adders and its external memory."""

import pandas as pd

from reports.activity import wide_counters
from sparsespike.contract.config import EngineConfig


def peak_additions(engine: EngineConfig) -> int:
    """Additions of a cycle when every adder of every lane works."""
    return engine.clusters * engine.lanes * engine.time_steps


def bus_bytes(engine: EngineConfig) -> float:
    """Bytes of a cycle that the external memory can give."""
    return engine.axi_data_bits / 8 / engine.memory_interval


def layer_roofline(counters: pd.DataFrame, engine: EngineConfig) -> pd.DataFrame:
    """Layers with additions: additions_per_byte, additions_per_cycle, roof, bound, share of roof.

    Beats are booked on the layer in which they arrive; weights arrive ahead of their layer, so a
    layer's intensity is that of what was loaded while it ran.
    """
    wide = wide_counters(counters)
    wide = wide[wide["additions"] > 0]
    bytes_moved = (wide["dma_read_beats"] + wide["dma_write_beats"]).clip(lower=1) * (
        engine.axi_data_bits / 8
    )
    frame = pd.DataFrame(
        {
            "additions_per_byte": wide["additions"] / bytes_moved,
            "additions_per_cycle": wide["additions"] / wide["cycles"],
        }
    )
    memory = frame["additions_per_byte"] * bus_bytes(engine)
    frame["roof"] = memory.clip(upper=peak_additions(engine))
    frame["bound"] = (memory < peak_additions(engine)).map({True: "memory", False: "adders"})
    frame["share_of_roof"] = frame["additions_per_cycle"] / frame["roof"]
    return frame.reset_index()
