"""The theoretical energy that papers on spiking networks print: operations times 0.9 and 4.6 pJ.

Two readings of it. *Counted*: every accumulate that the engine does is 0.9 pJ, and the first layer,
whose input is not spikes, costs 4.6 pJ for each of its multiply-accumulates. *Formula* (Spikformer,
ICLR 2023, section 4): firing rate x T x dense operations of each layer, borders of convolutions
included, as profilers count them.
"""

import math
from typing import NamedTuple

import pandas as pd

from reports.technology import Technology, load_technology
from reports.workload import layer_work
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import NetworkConfig

FIRST_LAYER = "conv0"


class Convention(NamedTuple):
    """Joules of a frame by both readings, and the operations behind them."""

    counted_joule: float
    formula_joule: float
    accumulates: float
    macs: float


def paper_energy(
    counters: pd.DataFrame,
    network: NetworkConfig,
    *,
    images: int,
    weight_density: dict[str, float] | None = None,
    technology: Technology | None = None,
) -> Convention:
    """Theoretical energy of a frame from the totals of a counter frame over `images` images.

    weight_density: non-zero share of each layer's weights (absent: 1). The formula divides the
    additions by it to find the rate at which a layer's inputs fire.
    """
    table = technology or load_technology("paper-convention")
    if table.operations.keys() != {"ac", "mac"}:
        raise ContractError(
            f"technology {table.name}: the papers' convention needs [operations.ac] and "
            "[operations.mac]: use paper-convention"
        )
    ac, mac = (table.operations[kind].picojoule for kind in ("ac", "mac"))
    work = layer_work(network).set_index("layer")
    head = network.dim // network.heads
    additions = _per_image(counters, ("additions",), images)
    additions += _per_image(counters, ("attention_updates", "attention_accumulates"), images) * head
    first = float(work.at[FIRST_LAYER, "macs"])
    counted = math.fsum(additions[name] for name in work.index if name != FIRST_LAYER)
    formula = 0.0
    for name, row in work.iterrows():
        if name == FIRST_LAYER:
            continue
        density = (weight_density or {}).get(str(name), 1.0)
        if row["kind"] == "attention" or density == 0:
            formula += additions[name]
        else:
            rate = additions[name] / (density * row["taps"] * network.time_steps)
            formula += rate * row["macs"] * network.time_steps
    return Convention(
        counted_joule=float(counted * ac + first * mac) * 1e-12,
        formula_joule=float(formula * ac + first * mac) * 1e-12,
        accumulates=float(counted),
        macs=first,
    )


def _per_image(counters: pd.DataFrame, names: tuple[str, ...], images: int) -> pd.Series:
    chosen = counters[counters["counter"].isin(names)]
    return chosen.groupby("layer", sort=False)["count"].sum() / images
