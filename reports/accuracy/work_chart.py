"""Chart of spikes and operations, layer by layer."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from reports.accuracy.density_charts import ROW_INCHES
from reports.accuracy.style import BLUE, GREEN, ORANGE, chart, list_rows


def work_chart(layers: pd.DataFrame, images: int, path: Path, title: str) -> None:
    """Firing rates on the left, operations per image on the right.

    layers: rows layer, accumulates, macs, spikes, neurons; totals over `images`.
    """
    with chart(path, title, width=8.5, height=1.6 + ROW_INCHES * len(layers)) as figure:
        figure.suptitle(title, fontsize=11, fontweight="bold", x=0.01, ha="left")
        rates, work = figure.subplots(1, 2, sharey=True, width_ratios=(2, 3))
        _rates(rates, layers)
        _work(work, layers, images)


def _rates(axes: Axes, layers: pd.DataFrame) -> None:
    fires = layers["neurons"] > 0
    percent = (100 * layers["spikes"] / layers["neurons"].where(fires)).fillna(0.0)
    bars = axes.barh(range(len(layers)), percent.tolist(), 0.72, color=GREEN)
    labels = [
        f"{value:.1f}" if one else "no spikes" for value, one in zip(percent, fires, strict=True)
    ]
    axes.bar_label(bars, labels, padding=4, fontsize=9)
    axes.set_xlim(0, 1.25 * float(percent.max()))
    axes.set_title("firing rate", fontsize=10)
    axes.set_xlabel("spikes per neuron and step (%)")
    list_rows(axes, layers["layer"].tolist())


def _work(axes: Axes, layers: pd.DataFrame, images: int) -> None:
    for column, color, words in (
        ("accumulates", BLUE, "accumulates"),
        ("macs", ORANGE, "multiply-accumulates"),
    ):
        part = layers[column] / images / 1e3
        used = part[part > 0]
        bars = axes.barh(used.index.to_list(), used.tolist(), 0.72, color=color, label=words)
        axes.bar_label(bars, [f"{value:,.1f}" for value in used], padding=4, fontsize=9)
    axes.set_xlim(0, 1.2 * float(layers[["accumulates", "macs"]].max().max()) / images / 1e3)
    axes.set_title("effective operations", fontsize=10)
    axes.set_xlabel("thousand per image")
    axes.legend(loc="lower right")
    list_rows(axes, layers["layer"].tolist())
