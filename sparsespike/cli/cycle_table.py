"""Where the cycles of a simulation went: a table with a bar per layer."""

from typing import Any

from rich.table import Table
from rich.text import Text

_COLORS = {
    "broadcasting": "green",
    "silent words": "cyan",
    "slow lane": "red",
    "waiting for data": "yellow",
    "attention": "blue",
    "layer overhead": "magenta",
    "draining": "bright_black",
}
_WIDTH = 30
"""Characters of a bar."""


def cycle_rows(measured: Any) -> list[dict[str, Any]]:
    """Per layer: name, cycles of a frame, share of each cause, of busy lanes, and lower bound."""
    from reports.lower_bounds import lower_bounds

    run = measured.run
    bounds = lower_bounds(measured.counters, run.engine, images=run.images).set_index("layer")
    causes = measured.causes.pivot(index="layer", columns="cause", values="cluster_cycles")
    busy = measured.layers.set_index("layer")["busy"]
    rows = []
    for name in run.layers:
        bound, shares = bounds.loc[name], causes.loc[name] / causes.loc[name].sum()
        rows.append(
            {
                "name": name,
                "cycles": float(bound["cycles"]),
                "causes": {cause: float(shares[cause]) for cause in _COLORS},
                "lanes_busy": float(busy[name]),
                "bound": float(bound["bound"]),
                "limit": str(bound["limit"]),
                "ratio": float(bound["ratio"]),
                "work_ratio": float(bound["work_ratio"]),
            }
        )
    return rows


def cycle_table(rows: list[dict[str, Any]]) -> Table:
    """Shares of the clusters' cycles by cause, as numbers and as a bar, and the lower bounds."""
    table = Table("layer", "cycles", *_COLORS, "lanes busy", "bound", "by", "x bound", "", title="")
    table.title = "Where the cycles went (bar: as long as the layer, colours as the columns)"
    for column, color in zip(table.columns[2:], _COLORS.values(), strict=False):
        column.header_style = color
    for column in table.columns[1:-1]:
        column.justify = "right"
    longest = max(row["cycles"] for row in rows)
    for row in rows:
        table.add_row(
            row["name"],
            f"{row['cycles']:,.0f}",
            *(f"{share:.0%}" if share >= 0.005 else "" for share in row["causes"].values()),
            f"{row['lanes_busy']:.0%}",
            f"{row['bound']:,.0f}",
            row["limit"],
            f"{row['ratio']:.2f}",
            _bar(row["causes"], row["cycles"] / longest),
        )
    return table


def _bar(causes: dict[str, float], length: float) -> Text:
    """A stacked bar; ends of its parts are rounded, so that they add up."""
    bar, end, drawn = Text(no_wrap=True), 0.0, 0
    for cause, share in causes.items():
        end += share * length * _WIDTH
        cells = round(end) - drawn
        bar.append("█" * cells, style=_COLORS[cause])
        drawn += cells
    return bar
