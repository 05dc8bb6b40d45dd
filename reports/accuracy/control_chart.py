"""Dot plot of the trainings that tell what a ticket and a selector are worth."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from reports.accuracy.style import BLUE, GREEN, ORANGE, TEXT, chart, list_rows

GROUPS = {
    "masks": ("ticket", "one-shot", "random masks"),
    "tokens": ("selector", "random tokens"),
}
"""Arms that were trained alike and may be compared."""

_COLORS = {
    "ticket": BLUE,
    "selector": BLUE,
    "one-shot": GREEN,
    "random masks": ORANGE,
    "random tokens": ORANGE,
}


def control_chart(controls: pd.DataFrame, path: Path, title: str) -> None:
    """One dot per seed, a line at the mean. controls: rows arm, seed, accuracy."""
    with chart(path, title, width=8.5, height=2.6) as figure:
        figure.suptitle(title, fontsize=11, fontweight="bold", x=0.01, ha="left")
        panels = figure.subplots(1, 2, sharex=True)
        for axes, (group, arms) in zip(panels, GROUPS.items(), strict=True):
            _panel(axes, controls, [arm for arm in arms if arm in set(controls["arm"])])
            axes.set_title(group, fontsize=10)
            axes.set_xlabel("test accuracy (%)")


def _panel(axes: Axes, controls: pd.DataFrame, arms: list[str]) -> None:
    for row, arm in enumerate(arms):
        percent = 100 * controls.loc[controls["arm"] == arm, "accuracy"]
        spread = row + np.linspace(-0.14, 0.14, len(percent)) if len(percent) > 1 else [row]
        axes.scatter(percent, spread, s=36, color=_COLORS[arm], alpha=0.85, linewidths=0)
        axes.plot([percent.mean()] * 2, [row - 0.3, row + 0.3], color=TEXT, linewidth=2)
        axes.annotate(
            f"{percent.mean():.2f}",
            (percent.mean(), row - 0.3),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )
    list_rows(axes, arms)
    axes.set_ylim(len(arms) - 0.5, -0.75)
    axes.margins(x=0.08)
