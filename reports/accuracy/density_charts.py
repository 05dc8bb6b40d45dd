"""Charts of how many weights each tensor keeps."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.ticker import MaxNLocator

from reports.accuracy.style import BLUE, ORANGE, TEXT, chart, list_rows

ROW_INCHES = 0.27
EMPTY = 0.01
"""A tensor with a smaller share of its weights is marked as emptied."""


def density_chart(density: pd.DataFrame, path: Path, title: str) -> None:
    """Bars of non-zero shares. density: rows layer, weights, nonzero."""
    overall = 100 * density["nonzero"].sum() / density["weights"].sum()
    with chart(path, title, width=8.5, height=1.3 + ROW_INCHES * len(density)) as figure:
        axes = figure.subplots()
        _bars(axes, density)
        _counts(axes, density)
        axes.axvline(overall, color=TEXT, linestyle="--", linewidth=1, label="all weights together")
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1))
        axes.set_title(title)
        axes.set_xlabel("non-zero weights (%)")


def floor_chart(floor: pd.DataFrame, path: Path, title: str) -> None:
    """Two panels of non-zero shares, without and with the floor.

    floor: rows layer, floor, weights, nonzero with two values of floor.
    """
    levels = sorted(floor["floor"].unique())
    rows = floor["layer"].nunique()
    most = float((100 * floor["nonzero"] / floor["weights"]).max())
    with chart(path, title, width=8.5, height=1.4 + ROW_INCHES * rows) as figure:
        figure.suptitle(title, fontsize=11, fontweight="bold", x=0.01, ha="left")
        panels = figure.subplots(1, 2, sharex=True, sharey=True)
        for axes, level in zip(panels, levels, strict=True):
            part = floor[floor["floor"] == level]
            bars = _bars(axes, part)
            share = 100 * part["nonzero"] / part["weights"]
            axes.bar_label(bars, [f"{value:.1f}" for value in share], padding=4, fontsize=9)
            axes.set_title(f"floor {100 * level:g} %" if level else "no floor", fontsize=10)
            axes.set_xlabel("weights kept (%)")
            axes.set_xlim(0, 1.25 * most)


def _bars(axes: Axes, part: pd.DataFrame) -> BarContainer:
    names = part["layer"].tolist()
    share = (part["nonzero"] / part["weights"]).tolist()
    colors = [ORANGE if value < EMPTY else BLUE for value in share]
    bars = axes.barh(range(len(names)), [100 * value for value in share], 0.72, color=colors)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    list_rows(axes, names)
    return bars


def _counts(axes: Axes, density: pd.DataFrame) -> None:
    """The figures of every bar, right of the axes."""
    right = axes.secondary_yaxis("right")
    labels = [
        f"{100 * nonzero / weights:5.1f}".replace(" ", "\u2007")
        + f" %   {nonzero:,} of {weights:,}"
        for nonzero, weights in zip(density["nonzero"], density["weights"], strict=True)
    ]
    right.set_yticks(range(len(labels)), labels)
    right.tick_params(axis="y", length=0)
    right.spines["right"].set_visible(False)
