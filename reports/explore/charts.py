"""Charts of an exploration: tables in, Plotly figures out. Nothing is computed here but labels."""

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from reports.charts import ACCENT, MUTED, WARM
from reports.explore.metrics import METRICS
from reports.explore.space import Space

_COLORS = (ACCENT, WARM, "#1f9e89", "#9370c4", "#e3a02b", "#57a6dd", "#8cbf5a", MUTED)
_GRID = "rgba(138, 148, 166, 0.35)"
_HOVER = "%{text}<extra></extra>"
_FONT = {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 13}
_SCALE = ((0.0, "#1f9e89"), (0.5, "#57a6dd"), (1.0, "#d9643a"))


def front_2d(space: Space, table: pd.DataFrame, best: int | None, x: str, y: str) -> go.Figure:
    """Every feasible point over two figures, those of the front and the best one on top."""
    feasible = table[table["feasible"]]
    figure = go.Figure()
    for name, rows, color, size in (
        ("all points", feasible[~feasible["pareto"]], MUTED, 5),
        ("Pareto front", feasible[feasible["pareto"]].sort_values(x), ACCENT, 8),
    ):
        figure.add_scatter(
            x=rows[x], y=rows[y], mode="markers", name=name,
            marker={"color": color, "size": size, "opacity": 0.45 if color == MUTED else 1.0},
            text=_texts(space, rows), hovertemplate=_HOVER,
        )  # fmt: skip
    if best is not None:
        row = table.loc[[best]]
        figure.add_scatter(
            x=row[x], y=row[y], mode="markers", name="best within the limits",
            marker={"color": WARM, "size": 15, "symbol": "star"},
            text=_texts(space, row), hovertemplate=_HOVER,
        )  # fmt: skip
    return _plain(figure, METRICS[x].label, METRICS[y].label, 460)


def front_3d(space: Space, table: pd.DataFrame, best: int | None) -> go.Figure:
    """The front and the other points over the first three objectives."""
    names = space.objectives[:3]
    feasible = table[table["feasible"]]
    figure = go.Figure()
    groups = [
        ("all points", feasible[~feasible["pareto"]], MUTED, 2.5),
        ("Pareto front", feasible[feasible["pareto"]], ACCENT, 5),
    ]
    if best is not None:
        groups.append(("best within the limits", table.loc[[best]], WARM, 9))
    for name, rows, color, size in groups:
        figure.add_scatter3d(
            x=rows[names[0]], y=rows[names[1]], z=rows[names[2]], mode="markers", name=name,
            marker={"color": color, "size": size, "opacity": 0.5 if color == MUTED else 1.0},
            text=_texts(space, rows), hovertemplate=_HOVER,
        )  # fmt: skip
    axes: dict[str, object] = {
        f"{letter}axis": {
            "title": {"text": METRICS[name].label},
            "gridcolor": _GRID,
            "zerolinecolor": _GRID,
            "showgrid": True,
            "showline": True,
            "linecolor": _GRID,
            "showbackground": False,
        }
        for letter, name in zip("xyz", names, strict=True)
    }
    axes["aspectmode"] = "cube"
    figure.update_layout(scene={**axes, "camera": {"eye": {"x": 1.6, "y": -1.6, "z": 0.9}}})
    figure = _plain(figure, "", "", 620)
    return figure.update_layout(margin={"l": 0, "r": 0, "t": 30, "b": 0})


def parallel(space: Space, table: pd.DataFrame) -> go.Figure:
    """Knobs and objectives of the front, one line a point, coloured by the best's figure."""
    rows = table[table["pareto"]]
    axes = [
        _axis(knob.label, rows[knob.label], knob.values)
        for knob in space.knobs
        if table[knob.label].nunique() > 1
    ]
    axes += [{"label": METRICS[name].label, "values": rows[name]} for name in space.objectives]
    figure = go.Figure(
        go.Parcoords(
            dimensions=axes,
            line={
                "color": rows[space.best],
                "colorscale": _SCALE,
                "showscale": True,
                "colorbar": {"title": {"text": METRICS[space.best].label, "side": "right"}},
            },
            labelangle=-12,
            unselected={"line": {"opacity": 0.06}},
        )
    )
    figure = _plain(figure, "", "", 480)
    return figure.update_layout(margin={"l": 70, "r": 40, "t": 90, "b": 30})


def importance_bars(shares: pd.DataFrame) -> go.Figure:
    """How much each knob decides each objective: one group of bars a knob."""
    order = shares.groupby("knob")["share"].mean().sort_values().index
    figure = go.Figure()
    for color, (name, rows) in zip(_COLORS, shares.groupby("objective", sort=False), strict=False):
        by_knob = rows.set_index("knob")["share"].reindex(order)
        label = METRICS[str(name)].label
        figure.add_bar(
            y=list(order), x=by_knob, name=label, orientation="h", marker_color=color,
            hovertemplate=f"%{{y}}<br>{label}: %{{x:.1%}}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(xaxis_tickformat=".0%", barmode="group")
    return _plain(figure, "share of the knob", "", 160 + 55 * len(order))


def sensitivity(space: Space, around: pd.DataFrame) -> go.Figure:
    """One small chart a knob: how far each figure moves from the best point's, in percent."""
    knobs = [name for name, rows in around.groupby("knob", sort=False) if len(rows) > 1]
    columns = 2 if len(knobs) > 1 else 1
    lines = -(-len(knobs) // columns)
    figure = make_subplots(
        rows=lines, cols=columns, subplot_titles=[str(knob) for knob in knobs],
        vertical_spacing=0.3 / lines, horizontal_spacing=0.09,
    )  # fmt: skip
    names = dict.fromkeys((space.best, *space.objectives))
    for place, knob in enumerate(knobs):
        rows = around[around["knob"] == knob]
        own = rows[rows["own"]].iloc[0]
        for color, name in zip(_COLORS, names, strict=False):
            if not own[name]:
                continue
            label = METRICS[name].label
            figure.add_scatter(
                x=[f"{value:g}" for value in rows["value"]],
                y=(rows[name].astype(float) / own[name] - 1) * 100,
                mode="lines+markers", name=label, legendgroup=name,
                showlegend=place == 0, line={"color": color},
                marker={"size": [11 if mine else 6 for mine in rows["own"]]},
                hovertemplate=f"{knob} %{{x}}<br>{label}: %{{y:+.1f}} %<extra></extra>",
                row=place // columns + 1, col=place % columns + 1,
            )  # fmt: skip
    figure.update_xaxes(type="category")
    figure.update_yaxes(ticksuffix=" %")
    figure = _plain(figure, None, None, 90 + 240 * lines)
    return figure.update_layout(margin={"l": 10, "r": 10, "t": 60, "b": 10}, legend={"y": 1.05})


def _axis(label: str, values: pd.Series, choices: tuple[float, ...]) -> dict[str, object]:
    """An axis whose ticks are the knob's own values, evenly spaced."""
    places = {value: index for index, value in enumerate(sorted(choices))}
    return {
        "label": label,
        "values": [places[value] for value in values],
        "tickvals": list(places.values()),
        "ticktext": [f"{value:g}" for value in places],
        "range": [0, max(1, len(places) - 1)],
    }


def _texts(space: Space, rows: pd.DataFrame) -> list[str]:
    names = [knob.label for knob in space.knobs]
    figures = dict.fromkeys((*space.objectives, space.best))
    return [
        f"point {row['point']}<br>"
        + ", ".join(f"{name} {row[name]:g}" for name in names)
        + "<br>"
        + ", ".join(f"{METRICS[name].label}: {row[name]:,.4g}" for name in figures)
        for row in rows.to_dict("records")
    ]


def _plain(figure: go.Figure, x: str | None, y: str | None, height: int) -> go.Figure:
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        font=_FONT,
    )
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    if x is not None:
        figure.update_layout(xaxis_title_text=x, yaxis_title_text=y)
    return figure
