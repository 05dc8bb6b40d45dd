"""One look for all charts: readable on light and on dark pages, the same bytes every time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

TEXT = "#767a82"
"""The grey whose contrast is the same, 4.3, against white and against GitHub's dark page."""
BLUE, ORANGE, GREEN = "#3b86c8", "#d9652b", "#2f9e77"

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "axes.edgecolor": TEXT,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": TEXT,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "path",
    "svg.hashsalt": "sparsespike",
}


@contextmanager
def chart(path: Path, title: str, *, width: float, height: float) -> Iterator[Figure]:
    """A figure of width x height inches, saved as SVG when the block ends.

    title: goes into the file for screen readers; it is not drawn.
    """
    with matplotlib.style.context(["default", STYLE]):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        figure.savefig(path, format="svg", metadata={"Date": None, "Title": title})


def list_rows(axes: Axes, names: list[str]) -> None:
    """Names down the left side, first one on top, no tick marks."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
