"""Where the cycles went: every cluster's every cycle of a layer has exactly one cause."""

import pandas as pd

from reports.activity import wide_counters
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig

CAUSES = {
    "broadcasting": "a chunk of spikes went to the lanes",
    "silent words": "a word without a spike was looked at and skipped",
    "slow lane": "a chunk waited for a lane whose queue was full",
    "waiting for data": "walks left, but no chunk: weights still loading, or a pipeline filling",
    "attention": "words read, K^T V counters updated, queries added up",
    "layer overhead": "descriptor, epilogue of counters, image or logits on the bus, top-k",
    "draining": "last sums and rows; clusters without a tile, or done before the others; in the "
    "first layer also the start of the frame",
}
"""Cause -> its meaning, in the order of a stacked bar."""


def cycle_causes(counters: pd.DataFrame, engine: EngineConfig, *, images: int) -> pd.DataFrame:
    """Cluster cycles per layer and cause; columns layer, cause, cluster_cycles.

    The causes of a layer sum to clusters x its cycles, exactly: draining is what the counters
    leave over.
    """
    wide = wide_counters(counters)
    total = wide["cycles"] * engine.clusters
    heads = wide["lif_updates"].where(wide["attention_words_read"] > 0, 0)
    parts = {
        "broadcasting": wide["chunks_broadcast"],
        "silent words": wide["chunks_skipped"],
        "slow lane": wide["broadcast_stalls"],
        "waiting for data": wide["broadcast_idle"],
        "attention": wide["attention_words_read"]
        + wide["attention_updates"]
        + wide["attention_accumulates"]
        + heads // engine.time_steps,
    }
    frame = pd.DataFrame(parts).clip(lower=0)
    left = (total - frame.sum(axis=1)).clip(lower=0)
    frame["layer overhead"] = _overhead(wide, engine, images).clip(upper=left)
    frame["draining"] = left - frame["layer overhead"]
    tidy = frame.reset_index().melt("layer", var_name="cause", value_name="cluster_cycles")
    return tidy.astype({"cluster_cycles": "int64"})


def lane_use(counters: pd.DataFrame, engine: EngineConfig) -> pd.DataFrame:
    """Per layer: `busy` (issuing a weight) and `held` (a finished token) shares of lane cycles."""
    wide = wide_counters(counters)
    lanes = wide["cycles"] * engine.clusters * engine.lanes
    shares = {"busy": wide["weights_read"] / lanes, "held": wide["lane_output_stalls"] / lanes}
    return pd.DataFrame(shares).reset_index()


def _overhead(wide: pd.DataFrame, engine: EngineConfig, images: int) -> pd.Series:
    """Cycles in which no cluster of the layer can work, times the clusters.

    The image's words come one a cycle; the logits' beats each take their gathering and a cycle;
    top-k compares `TOPK_WIDTH` pairs of scores a cycle.
    """
    fixed = derived.descriptor_beats(engine) + derived.DESCRIPTOR_CYCLES + derived.COUNTER_CYCLES
    logits = wide["dma_write_beats"] * (derived.logits_per_beat(engine) + 1)
    ranked = wide["topk_comparisons"] // derived.TOPK_WIDTH
    return (fixed * images + wide["pixel_words_written"] + logits + ranked) * engine.clusters
