"""What a layer cannot be faster than, resource by resource, if its work were spread perfectly."""

import pandas as pd

from reports.activity import wide_counters
from sparsespike.contract.config import EngineConfig

RESOURCES = {
    "broadcasts": "chunks to broadcast, one a cycle and cluster",
    "matches": "non-zero weights that met a spike, one a cycle and lane",
    "memory": "beats of the external memory that arrived while the layer ran",
    "updates": "membrane updates, all adders' steps of a channel a cycle and cluster",
    "attention": "words, counter rows and outputs, one a cycle and attention unit",
}
"""Resource -> what it has to do."""


def lower_bounds(counters: pd.DataFrame, engine: EngineConfig, *, images: int) -> pd.DataFrame:
    """Per layer, cycles of a frame: cycles, resources, bound, limit, ratio, work_ratio.

    bound: the highest of the resources, `limit` its name; ratio: cycles / bound; work_ratio: the
    same without the broadcasts, which a wider chunk would lower.
    """
    wide = wide_counters(counters) / images
    heads = wide["attention_words_read"] > 0
    outputs = wide["lif_updates"] / engine.time_steps
    rows = wide["attention_updates"] + wide["attention_accumulates"] + outputs.where(heads, 0)
    frame = pd.DataFrame(
        {
            "cycles": wide["cycles"],
            "broadcasts": wide["chunks_broadcast"] / engine.clusters,
            "matches": wide["weights_read"] / (engine.clusters * engine.lanes),
            "memory": (wide["dma_read_beats"] + wide["dma_write_beats"]) * engine.memory_interval,
            "updates": outputs.mask(heads, 0) / engine.clusters,
            "attention": (wide["attention_words_read"] + rows) / engine.attention_units,
        }
    )
    parts = frame[list(RESOURCES)]
    frame["bound"], frame["limit"] = parts.max(axis=1), parts.idxmax(axis=1)
    frame["ratio"] = frame["cycles"] / frame["bound"]
    frame["work_ratio"] = frame["cycles"] / parts.drop(columns="broadcasts").max(axis=1)
    return frame.rename_axis("layer").reset_index()
