"""How sparse a run was: firing rates, silent words, weights met by spikes."""

import pandas as pd

from reports.workload import layer_work
from sparsespike.contract.network import NetworkConfig

_SPIKING = ("conv", "linear", "attention")


def wide_counters(counters: pd.DataFrame) -> pd.DataFrame:
    """One row per layer, one column per counter, layers in order of execution."""
    order = counters["layer"].drop_duplicates()
    return counters.pivot_table(
        index="layer", columns="counter", values="count", aggfunc="sum", sort=False
    ).loc[order]


def layer_activity(counters: pd.DataFrame, network: NetworkConfig, *, images: int) -> pd.DataFrame:
    """Per layer: firing_rate, silent_share, matches_per_scan, additions_per_image.

    firing_rate: spikes over neurons x steps, before pooling (NaN: the layer has no neurons).
    silent_share: words of the input that are silent and cost the lanes nothing. matches_per_scan:
    non-zero weights that met a non-silent input, for each mask word that was read.
    additions_per_image: in the lanes; in attention a touched row of K^T V counters counts as one
    for each channel of the head.
    """
    wide = wide_counters(counters)
    scans, masks = wide["chunks_scanned"], wide["mask_words_read"]
    attention_rows = wide["attention_updates"] + wide["attention_accumulates"]
    attention = attention_rows * (network.dim // network.heads)
    frame = pd.DataFrame(
        {
            "firing_rate": wide["spikes_fired"] / images / neuron_steps(network),
            "silent_share": wide["chunks_skipped"] / scans.where(scans > 0),
            "matches_per_scan": wide["weights_read"] / masks.where(masks > 0),
            "additions_per_image": (wide["additions"] + attention) / images,
        }
    )
    return frame.loc[wide.index].rename_axis("layer").reset_index()


def neuron_steps(network: NetworkConfig) -> pd.Series:
    """Neurons x steps of a frame by layer; NaN where a layer has no neurons.

    The engine's own `lif_updates` also counts the slots that only fill up a row.
    """
    work = layer_work(network).set_index("layer")
    steps = (work["outputs"] * network.time_steps).astype(float)
    return steps.where(work["kind"].isin(_SPIKING))


def mean_firing_rate(counters: pd.DataFrame, network: NetworkConfig, *, images: int) -> float:
    """Spikes over neurons x steps of the whole network, 0..1."""
    spikes = counters.loc[counters["counter"] == "spikes_fired", "count"].sum()
    return float(spikes / images / neuron_steps(network).sum())
