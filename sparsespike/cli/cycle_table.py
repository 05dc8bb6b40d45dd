"""Where the cycles of a simulation went: a table, and a picture of bars."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_CAUSES = {
    # cause: (head of its column, colour, how a bar draws it)
    "broadcasting": ("sent", "green", "█"),
    "silent words": ("skip", "cyan", "░"),
    "slow lane": ("slow", "red", "▓"),
    "waiting for data": ("wait", "yellow", "▒"),
    "attention": ("attn", "blue", "▞"),
    "layer overhead": ("over", "magenta", "-"),
    "draining": ("rest", "bright_black", "·"),
}
_WIDTH = 60
"""Characters of the longest bar."""


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
                "causes": {cause: float(shares[cause]) for cause in _CAUSES},
                "lanes_busy": float(busy[name]),
                "bound": float(bound["bound"]),
                "limit": str(bound["limit"]),
                "ratio": float(bound["ratio"]),
                "work_ratio": float(bound["work_ratio"]),
            }
        )
    return rows


def print_cycles(rows: list[dict[str, Any]], console: Console) -> None:
    """The clusters' cycles by cause, per layer, in percent and as bars; busy lanes, lower bound."""
    from reports.cycles import CAUSES

    console.print(_table(rows))
    longest = max(row["cycles"] for row in rows)
    for row in rows:
        console.print(Text(f"{row['name']:14}"), _bar(row["causes"], row["cycles"] / longest))
    for cause, (head, color, glyph) in _CAUSES.items():
        line = Text(f"{head} {glyph}  ", style=color)
        line.append(f"{cause}: {CAUSES[cause]}", style="default")
        console.print(line)
    console.print(
        "busy  lanes that issue a weight; bound: cycles over the least that work spread perfectly "
        "would take, and the resource that sets it"
    )


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("layer", "cycles", box=None, padding=(0, 1, 0, 0))
    for head, color, _ in _CAUSES.values():
        table.add_column(head, header_style=f"bold {color}")
    for head in ("busy", "bound", "by"):
        table.add_column(head)
    for column in table.columns[1:-1]:
        column.justify = "right"
    for row in rows:
        table.add_row(
            row["name"],
            f"{row['cycles']:,.0f}",
            *(f"{100 * share:.0f}" for share in row["causes"].values()),
            f"{100 * row['lanes_busy']:.0f}",
            f"{row['ratio']:.2f}",
            row["limit"],
        )
    return table


def _bar(causes: dict[str, float], length: float) -> Text:
    """A stacked bar; ends of its parts are rounded, so that they add up."""
    bar, end, drawn = Text(no_wrap=True), 0.0, 0
    for cause, share in causes.items():
        end += share * length * _WIDTH
        cells = round(end) - drawn
        _, color, glyph = _CAUSES[cause]
        bar.append(glyph * cells, style=color)
        drawn += cells
    return bar
