"""Pictures of the tokens that selectors keep: on single images, and how often per position."""

from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from reports.accuracy.style import STYLE, chart

_DPI = 100
_SIDE, _GAP, _LABEL, _LEFT = 128, 8, 38, 96
"""Pixels: edge of a picture, space around it, height of its label, width of the row names."""
_COLUMNS = 6
_FADED = 60
"""Darkest grey of a dropped token: neither black nor white, so that it stands out of both."""


def dim_dropped(image: NDArray[np.uint8], kept: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The image (H, W, 3) with the patches of dropped tokens faded to grey.

    kept: bool (grid, grid); grid divides H and W.
    """
    patch = np.ones((image.shape[0] // kept.shape[0], image.shape[1] // kept.shape[1]), bool)
    shown = np.kron(kept, patch)[..., None]
    grey = _FADED + image.mean(axis=2, keepdims=True) / 3
    return np.where(shown, image, grey).astype(np.uint8)


def token_pictures(
    images: NDArray[np.uint8],
    kept: dict[str, NDArray[np.bool_]],
    labels: list[str],
    path: Path,
) -> None:
    """A PNG: every image (N, H, W, 3) above itself as each selector leaves it, six to a row.

    kept: per selector bool (N, grid, grid). labels: one or two lines for each image. Pixels are
    enlarged by a whole factor and not smoothed.
    """
    stack = 1 + len(kept)
    bands = -(-len(images) // _COLUMNS)
    band = _LABEL + stack * (_SIDE + _GAP)
    width, height = _LEFT + _COLUMNS * (_SIDE + _GAP), bands * band
    with matplotlib.style.context(["default", STYLE]):
        figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
        for index, image in enumerate(images):
            left = _LEFT + index % _COLUMNS * (_SIDE + _GAP)
            top = height - index // _COLUMNS * band
            figure.text(
                (left + _SIDE / 2) / width,
                (top - _LABEL + 4) / height,
                labels[index],
                ha="center",
                va="bottom",
                fontsize=8,
            )
            shown = [image, *(dim_dropped(image, maps[index]) for maps in kept.values())]
            for row, picture in enumerate(shown):
                bottom = top - _LABEL - row * (_SIDE + _GAP) - _SIDE
                figure.figimage(_enlarged(picture), left, bottom, origin="upper")
                if index % _COLUMNS == 0:
                    name = ["image", *kept][row]
                    place = ((_LEFT - _GAP) / width, (bottom + _SIDE / 2) / height)
                    figure.text(*place, name, ha="right", va="center", fontsize=9)
        figure.savefig(path, format="png", metadata={"Software": None})


def kept_chart(kept: dict[str, NDArray[np.bool_]], path: Path, title: str) -> None:
    """How often each position is kept, in percent of the images; one panel per selector.

    kept: per selector bool (N, grid, grid).
    """
    with chart(path, title, width=max(5.2, 4.0 * len(kept)), height=4.6) as figure:
        figure.suptitle(title, fontsize=11, fontweight="bold", x=0.01, ha="left")
        panels = figure.subplots(1, len(kept), squeeze=False)[0]
        for axes, (name, maps) in zip(panels, kept.items(), strict=True):
            percent = 100 * maps.mean(axis=0)
            axes.imshow(percent, cmap="viridis", vmin=0, vmax=100, interpolation="nearest")
            for (row, column), value in np.ndenumerate(percent):
                color = "white" if value < 60 else "black"
                axes.text(
                    column, row, f"{value:.0f}", ha="center", va="center", color=color, fontsize=9
                )
            axes.set_title(f"{name}: {percent.mean():.2f} % on average", fontsize=10)
            axes.set_axis_off()


def _enlarged(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    factor = max(1, _SIDE // picture.shape[0])
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)
