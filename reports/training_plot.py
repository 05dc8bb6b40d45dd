"""The plot of a training: loss, accuracy, and what every layer does, over all epochs."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

_WIDTH = 11.0
_CURVE_HEIGHT = 2.1
_ROW_HEIGHT = 0.17
_LEAST_DENSITY = 0.01
_LETTER_SHARE = 0.009
"""Of the width; a stage whose name does not fit its own share has it written upright."""
_MANY_EPOCHS = 100


def plot_training(epochs: pd.DataFrame, layers: pd.DataFrame) -> Figure:
    """Four panels over the epochs of all stages, in the order of their rows.

    epochs: columns stage, epoch, loss, accuracy_train, accuracy_test. layers: stage, epoch, layer,
    firing_rate, density, layers in order of execution; null where a layer has neither.
    """
    firing = _by_layer(epochs, layers, "firing_rate")
    density = _by_layer(epochs, layers, "density")
    heights = [_CURVE_HEIGHT, _CURVE_HEIGHT]
    heights += [max(1.0, _ROW_HEIGHT * len(table)) for table in (firing, density)]
    figure = Figure(figsize=(_WIDTH, sum(heights) + 1.6), layout="constrained")
    panels = figure.subplots(4, 1, sharex=True, height_ratios=heights)
    _curves(panels[0], epochs, {"loss": "loss"}, "loss")
    accuracies = {"accuracy_train": "training", "accuracy_test": "test"}
    _curves(panels[1], epochs, accuracies, "accuracy")
    panels[1].yaxis.set_major_formatter(PercentFormatter(1.0))
    _heat_map(figure, panels[2], firing, "spikes per neuron and step", Normalize(0), "magma")
    density = density.clip(lower=_LEAST_DENSITY)
    _heat_map(
        figure, panels[3], density, "share of weights kept", LogNorm(_LEAST_DENSITY, 1), "viridis"
    )
    for panel in panels:
        for start, _ in _stage_spans(epochs)[1:]:
            panel.axvline(start + 0.5, color="0.55", linewidth=0.7)
    _name_stages(panels[0], epochs)
    panels[3].set_xlabel("epoch, all stages")
    panels[3].set_xlim(0.5, max(1, len(epochs)) + 0.5)
    return figure


def _by_layer(epochs: pd.DataFrame, layers: pd.DataFrame, value: str) -> pd.DataFrame:
    """Rows: the layers that have `value`; columns: positions of the epochs, from 0."""
    places = epochs[["stage", "epoch"]].reset_index(names="place")
    known = layers.dropna(subset=[value]).merge(places, on=["stage", "epoch"])
    order = known["layer"].drop_duplicates()
    table = known.pivot(index="layer", columns="place", values=value)
    return table.reindex(index=order, columns=range(len(epochs)))


def _curves(panel: Axes, epochs: pd.DataFrame, columns: dict[str, str], title: str) -> None:
    """One line a column, broken where a stage ends."""
    marker = "." if len(epochs) <= _MANY_EPOCHS else ""
    for colour, (column, label) in enumerate(columns.items()):
        for start, end in _stage_spans(epochs):
            places, values = range(start + 1, end + 1), epochs[column].iloc[start:end]
            named = label if start == 0 else None
            panel.plot(places, values, marker=marker, color=f"C{colour}", label=named)
    panel.set_ylabel(title)
    panel.grid(axis="y", color="0.9")
    if len(columns) > 1:
        beside = panel.legend(
            loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8, frameon=False
        )
        beside.set_in_layout(False)  # it has the room that the colour bars take below


def _heat_map(
    figure: Figure, panel: Axes, table: pd.DataFrame, label: str, norm: Normalize, colours: str
) -> None:
    if table.empty:
        panel.set_axis_off()
        return
    edges = [place + 0.5 for place in range(table.shape[1] + 1)]
    mesh = panel.pcolormesh(
        edges, range(len(table) + 1), table.to_numpy(), norm=norm, cmap=colours, rasterized=True
    )
    panel.set_yticks([row + 0.5 for row in range(len(table))], table.index, fontsize=7)
    panel.tick_params(axis="y", length=0)
    panel.invert_yaxis()
    bar = figure.colorbar(mesh, ax=panel, label=label, pad=0.01, fraction=0.04)
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0))


def _stage_spans(epochs: pd.DataFrame) -> list[tuple[int, int]]:
    """Positions of the first epoch of every stage and of the one after its last."""
    changed = epochs["stage"] != epochs["stage"].shift()
    starts = [place for place, first in enumerate(changed) if first]
    return list(zip(starts, [*starts[1:], len(epochs)], strict=True))


def _name_stages(panel: Axes, epochs: pd.DataFrame) -> None:
    """Write the stages' names above the panel."""
    for start, end in _stage_spans(epochs):
        name = epochs["stage"].iloc[start]
        narrow = (end - start) / len(epochs) < _LETTER_SHARE * (len(name) + 1)
        panel.annotate(
            name,
            ((start + end + 1) / 2, 1.02),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            fontsize=8,
            rotation=90 if narrow else 0,
        )
