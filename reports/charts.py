"""Charts of the report: tables in, Plotly figures out. Nothing is computed here but labels."""

import pandas as pd
import plotly.graph_objects as go

from reports.components import COMPONENT_ORDER
from reports.cycles import CAUSES
from reports.peers import OURS

COMPONENT_COLORS = dict(
    zip(
        COMPONENT_ORDER,
        ("#2f6db5", "#57a6dd", "#1f9e89", "#8cbf5a", "#e3a02b", "#d9643a", "#9370c4", "#8a94a6",
         "#b9bec8"),
        strict=True,
    )
)  # fmt: skip
CAUSE_COLORS = dict(
    zip(
        CAUSES,
        ("#1f9e89", "#8cbf5a", "#d9643a", "#e3a02b", "#2f6db5", "#9370c4", "#b9bec8"),
        strict=True,
    )
)
ACCENT, MUTED, WARM = "#2f6db5", "#8a94a6", "#d9643a"
_MICRO = 1e-6
_DECADES = [digit * 10.0**power for power in range(-3, 6) for digit in (1, 2, 5)]
_SIDES = ("bottom center", "top center", "middle right", "middle left")


def energy_by_component(components: pd.DataFrame) -> go.Figure:
    """Bars of components, largest first; column `shown` has their figures as text."""
    rows = components.sort_values("energy_pj")
    micro = rows["energy_pj"] * _MICRO
    share = rows["energy_pj"] / rows["energy_pj"].sum()
    figure = go.Figure(
        go.Bar(
            x=micro,
            y=rows["component"],
            orientation="h",
            marker_color=[COMPONENT_COLORS[name] for name in rows["component"]],
            text=[f"{a} · {b:.1%}" for a, b in zip(rows["shown"], share, strict=True)],
            textposition="outside",
            cliponaxis=False,
            customdata=rows[["kind"]],
            hovertemplate="%{y}<br>%{x:,.3f} µJ a frame<br>%{customdata[0]}<extra></extra>",
        )
    )
    figure.update_xaxes(range=[0, float(micro.max()) * 1.6])
    return _axes(figure, x="µJ a frame", height=380)


def energy_by_layer(energy: pd.DataFrame) -> go.Figure:
    """Stacked bars: layers, split by component."""
    figure = go.Figure()
    layers = list(dict.fromkeys(energy["layer"]))
    for name in COMPONENT_ORDER:
        rows = energy[energy["component"] == name].groupby("layer")["energy_pj"].sum()
        if rows.empty:
            continue
        figure.add_bar(
            x=layers,
            y=[float(rows.get(layer, 0.0)) * _MICRO for layer in layers],
            name=name,
            marker_color=COMPONENT_COLORS[name],
            hovertemplate=f"%{{x}}<br>{name}: %{{y:,.3f}} µJ<extra></extra>",
        )
    return _axes(figure.update_layout(barmode="stack"), y="µJ a frame", height=430)


def energy_by_technology(technologies: pd.DataFrame) -> go.Figure:
    """The same counters under every table, dynamic and static apart."""
    figure = go.Figure()
    for kind, color in (("dynamic", ACCENT), ("static", MUTED)):
        rows = technologies[technologies["kind"] == kind]
        figure.add_bar(
            x=rows["technology"],
            y=rows["energy_pj"] * _MICRO,
            name=kind,
            marker_color=color,
            hovertemplate=f"%{{x}}<br>{kind}: %{{y:,.2f}} µJ<extra></extra>",
        )
    return _axes(figure.update_layout(barmode="stack"), y="µJ a frame", height=380)


def cycle_attribution(causes: pd.DataFrame) -> go.Figure:
    """Stacked bars of cluster cycles: every cycle of every cluster has one cause."""
    figure = go.Figure()
    for name in CAUSES:
        rows = causes[causes["cause"] == name]
        whole = causes.groupby("layer", sort=False)["cluster_cycles"].transform("sum")
        figure.add_bar(
            x=rows["layer"],
            y=rows["cluster_cycles"] / whole[rows.index],
            name=name,
            marker_color=CAUSE_COLORS[name],
            customdata=rows["cluster_cycles"],
            hovertemplate=f"%{{x}}<br>{name}: %{{y:.1%}}<br>"
            "%{customdata:,} cluster cycles<extra></extra>",
        )
    figure.update_layout(barmode="stack", yaxis_tickformat=".0%")
    return _axes(figure, y="share of cluster cycles", height=450)


def cycles_by_layer(layers: pd.DataFrame) -> go.Figure:
    """Cycles of every layer, and how busy the lanes were in it."""
    figure = go.Figure(
        go.Bar(
            x=layers["layer"],
            y=layers["cycles"],
            marker_color=ACCENT,
            name="cycles a frame",
            customdata=layers[["share", "busy"]],
            hovertemplate="%{x}<br>%{y:,.0f} cycles (%{customdata[0]:.1%})<br>"
            "lanes busy %{customdata[1]:.1%}<extra></extra>",
        )
    )
    figure.add_scatter(
        x=layers["layer"],
        y=layers["busy"],
        yaxis="y2",
        name="lanes busy",
        mode="lines+markers",
        line_color=WARM,
        hovertemplate="%{x}<br>lanes busy %{y:.1%}<extra></extra>",
    )
    figure.update_layout(
        yaxis2={"overlaying": "y", "side": "right", "range": [0, 1], "tickformat": ".0%",
                "showgrid": False, "automargin": True, "tickvals": [0, 0.25, 0.5, 0.75, 1],
                "title": {"text": "lanes busy", "font": {"size": 13}}}
    )  # fmt: skip
    return _axes(figure, y="cycles a frame", height=400)


def roofline(points: pd.DataFrame, *, peak: float, bandwidth: float) -> go.Figure:
    """Layers below the roofs of adders and external memory, on logarithmic axes."""
    left = min(points["additions_per_byte"].min() / 2, peak / bandwidth / 4)
    right = max(points["additions_per_byte"].max() * 2, peak / bandwidth * 4)
    figure = go.Figure()
    figure.add_scatter(
        x=[left, peak / bandwidth, right],
        y=[left * bandwidth, peak, peak],
        mode="lines",
        line={"color": MUTED, "width": 3},
        name="roof",
        hovertemplate="roof: %{y:,.1f} additions a cycle<extra></extra>",
    )
    for bound, color in (("adders", ACCENT), ("memory", WARM)):
        rows = points[points["bound"] == bound]
        figure.add_scatter(
            x=rows["additions_per_byte"],
            y=rows["additions_per_cycle"],
            mode="markers+text",
            text=[name.removeprefix("block.") for name in rows["layer"]],
            textposition=[_SIDES[index % len(_SIDES)] for index in range(len(rows))],
            textfont={"size": 10},
            marker={"size": 11, "color": color},
            name=f"below the roof of {bound}",
            customdata=rows["share_of_roof"],
            hovertemplate="%{text}<br>%{y:,.1f} additions a cycle<br>%{x:,.1f} a byte<br>"
            "%{customdata:.1%} of its roof<extra></extra>",
        )
    figure.update_xaxes(type="log", tickvals=_DECADES)
    figure.update_yaxes(type="log", tickvals=_DECADES)
    return _axes(figure, x="additions a byte of external memory", y="additions a cycle", height=480)


def sparsity_ladder(ladder: pd.DataFrame, column: str, unit: str, scale: float) -> go.Figure:
    """Falling bars from dense to all kinds of sparsity, with the gain over the first."""
    gain = "speedup" if column == "cycles" else "saving"
    values = ladder[column] * scale
    figure = go.Figure(
        go.Bar(
            x=[f"+ {step}" if index else step for index, step in enumerate(ladder["step"])],
            y=values,
            marker_color=[MUTED, "#57a6dd", "#1f9e89", "#2f6db5"][: len(ladder)],
            text=[f"{a:,.0f}<br>{b:.1f}x" for a, b in zip(values, ladder[gain], strict=True)],
            textposition="outside",
            cliponaxis=False,
            customdata=ladder["how"],
            hovertemplate="%{x}: %{y:,.0f} " + unit + "<br>%{customdata}<extra></extra>",
        )
    )
    figure.update_yaxes(range=[0, float(values.max()) * 1.2])
    return _axes(figure, y=f"{unit} a frame", height=380)


def activity(layers: pd.DataFrame) -> go.Figure:
    """Firing rate, non-zero weights and silent words of every layer."""
    figure = go.Figure()
    series = (
        ("firing_rate", "firing rate", ACCENT),
        ("weight_density", "non-zero weights", "#1f9e89"),
        ("silent_share", "silent words", MUTED),
    )
    for column, name, color in series:
        if layers[column].notna().any():
            figure.add_bar(
                x=layers["layer"],
                y=layers[column],
                name=name,
                marker_color=color,
                hovertemplate=f"%{{x}}<br>{name} %{{y:.1%}}<extra></extra>",
            )
    figure.update_layout(barmode="group", yaxis_tickformat=".0%")
    return _axes(figure, y="share", height=380)


def accuracy_energy(points: pd.DataFrame) -> go.Figure:
    """Accuracy against energy; bars are 95 % intervals of the measured images."""
    figure = go.Figure()
    sides = ("top center", "bottom center")
    for index, (series, rows) in enumerate(points.groupby("series", sort=False)):
        figure.add_scatter(
            x=rows["joule"] * 1e6,
            y=rows["accuracy"],
            error_y={"type": "data", "symmetric": False, "array": rows["high"] - rows["accuracy"],
                     "arrayminus": rows["accuracy"] - rows["low"], "thickness": 1, "width": 3},
            mode="lines+markers+text",
            text=rows["label"],
            textposition=sides[index % 2],
            name=str(series),
            marker_size=10,
            hovertemplate="%{text}<br>%{y:.1%} of the images right<br>%{x:,.2f} µJ a frame"
            "<extra></extra>",
        )  # fmt: skip
    figure.update_layout(yaxis_tickformat=".0%", colorway=[ACCENT, WARM, "#1f9e89"])
    return _axes(figure, x="µJ a frame", y="accuracy", height=420)


def peers(table: pd.DataFrame) -> go.Figure:
    """Frames per second against energy, both scaled to the reference network."""
    rows = table.dropna(subset=["scaled_fps", "scaled_millijoule"])
    ours = rows["system"] == OURS
    figure = go.Figure(
        go.Scatter(
            x=rows["scaled_millijoule"],
            y=rows["scaled_fps"],
            mode="markers+text",
            text=[name.split(" (")[0] for name in rows["system"]],
            textposition="top center",
            marker={"opacity": 1, "size": [16 if own else 11 for own in ours],
                    "color": [WARM if own else ACCENT for own in ours],
                    "symbol": ["star" if own else "circle" for own in ours]},
            customdata=rows[["platform", "network"]],
            hovertemplate="%{text}<br>%{y:,.0f} frames/s, %{x:,.2f} mJ<br>%{customdata[0]}<br>"
            "%{customdata[1]}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(type="log", autorange="reversed", tickvals=_DECADES)
    figure.update_yaxes(type="log", tickvals=_DECADES)
    return _axes(figure, x="mJ a frame (better to the right)", y="frames/s", height=460)


def _axes(figure: go.Figure, *, x: str = "", y: str = "", height: int) -> go.Figure:
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 10, "r": 10, "t": 20, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        bargap=0.25,
        font={"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 13},
    )
    figure.update_layout(
        xaxis={"automargin": True, "title": {"text": x, "font": {"size": 13}}},
        yaxis={"automargin": True, "title": {"text": y, "font": {"size": 13}}},
    )  # fmt: skip
    return figure
