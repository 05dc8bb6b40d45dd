"""How sparse a run was: firing rates, silent words, weights met by spikes."""

import pandas as pd


def wide_counters(counters: pd.DataFrame) -> pd.DataFrame:
    """One row per layer, one column per counter, layers in order of execution."""
    order = counters["layer"].drop_duplicates()
    return counters.pivot_table(
        index="layer", columns="counter", values="count", aggfunc="sum", sort=False
    ).loc[order]


def layer_activity(counters: pd.DataFrame, *, images: int) -> pd.DataFrame:
    """Per layer: firing_rate, silent_share, matches_per_scan, additions_per_image.

    firing_rate: spikes over neurons x steps, before pooling (NaN: the layer has no neurons).
    silent_share: words of the input that are silent and cost the lanes nothing. matches_per_scan:
    non-zero weights that met a non-silent input, for each mask word that was read.
    """
    wide = wide_counters(counters)
    frame = pd.DataFrame(
        {
            "firing_rate": wide["spikes_fired"] / wide["lif_updates"].where(lambda x: x > 0),
            "silent_share": wide["chunks_skipped"]
            / wide["chunks_scanned"].where(lambda x: x > 0),
            "matches_per_scan": wide["weights_read"]
            / wide["mask_words_read"].where(lambda x: x > 0),
            "additions_per_image": (wide["additions"] + wide["attention_accumulates"]) / images,
        }
    )
    return frame.reset_index()


def mean_firing_rate(counters: pd.DataFrame) -> float:
    """Spikes over neurons x steps of the whole network, 0..1."""
    totals = counters.groupby("counter")["count"].sum()
    return float(totals["spikes_fired"] / max(1, totals["lif_updates"]))
