"""Charts of the report: tables in, Plotly figures out. Nothing is computed here but labels."""

import math

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
_DECADES = [digit * 10.0**power for power in range(-3, 7) for digit in (1, 2, 5)]
_SIDES = ("bottom center", "top center", "middle right", "middle left")
_STAR_SIDES = ("top center", "bottom center", "middle right", "middle left")


def energy_by_component(components: pd.DataFrame, *, height: int = 380) -> go.Figure:
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
    return _axes(figure, x="µJ a frame", height=height)


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
    """The same counters under every table, dynamic and static apart, with the sum on top."""
    figure = go.Figure()
    totals = technologies.groupby("technology")["energy_pj"].sum() * _MICRO
    for kind, color in (("dynamic", ACCENT), ("static", MUTED)):
        rows = technologies[technologies["kind"] == kind]
        figure.add_bar(
            x=rows["technology"],
            y=rows["energy_pj"] * _MICRO,
            name=kind,
            marker_color=color,
            hovertemplate=f"%{{x}}<br>{kind}: %{{y:,.2f}} µJ<extra></extra>",
        )
    _totals_on_top(figure, list(totals.index), totals.tolist(), "{:,.1f}")
    figure.update_layout(barmode="stack")
    return _axes(figure, y="µJ a frame", height=320)


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


def ladder_cycles(ladder: pd.DataFrame) -> go.Figure:
    """Falling bars of cycles from dense to all kinds of sparsity, with the gain over the first."""
    steps = _steps(ladder)
    figure = go.Figure(
        go.Bar(
            x=steps,
            y=ladder["cycles"],
            marker_color=ACCENT,
            customdata=ladder["how"],
            hovertemplate="%{x}: %{y:,.0f} cycles<br>%{customdata}<extra></extra>",
        )
    )
    _gains_on_top(figure, steps, ladder["cycles"], ladder["speedup"])
    return _axes(figure, y="cycles a frame", height=380)


def ladder_energy(ladder: pd.DataFrame) -> go.Figure:
    """The same in energy, dynamic and static apart."""
    steps, figure = _steps(ladder), go.Figure()
    total, dynamic = ladder["joule"] * 1e6, ladder["dynamic_joule"] * 1e6
    for name, values, color in (("dynamic", dynamic, ACCENT), ("static", total - dynamic, MUTED)):
        figure.add_bar(
            x=steps,
            y=values,
            name=name,
            marker_color=color,
            customdata=ladder["how"],
            hovertemplate=f"%{{x}}, {name}: %{{y:,.1f}} µJ<br>%{{customdata}}<extra></extra>",
        )
    figure.update_layout(barmode="stack")
    _gains_on_top(figure, steps, total, ladder["saving"])
    return _axes(figure, y="µJ a frame", height=380)


def _steps(ladder: pd.DataFrame) -> list[str]:
    return [f"+ {step}" if index else step for index, step in enumerate(ladder["step"])]


def _gains_on_top(figure: go.Figure, steps: list[str], values: pd.Series, gains: pd.Series) -> None:
    """Over each bar its value and how many times less that is than the first; none if not run."""
    for step, value, gain in zip(steps, values, gains, strict=True):
        text = "does not fit" if value != value else f"{value:,.0f}<br>{gain:.1f}x"
        _text_on_top(figure, step, 0.0 if value != value else value, text)
    figure.update_yaxes(range=[0, float(values.max()) * 1.2])


def _totals_on_top(figure: go.Figure, names: list[str], values: list[float], form: str) -> None:
    for name, value in zip(names, values, strict=True):
        _text_on_top(figure, name, value, form.format(value))
    figure.update_yaxes(range=[0, max(values) * 1.15])


def _text_on_top(figure: go.Figure, x: str, y: float, text: str) -> None:
    figure.add_annotation(x=x, y=y, text=text, showarrow=False, yanchor="bottom")


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
    colors = (ACCENT, WARM)
    for index, (series, rows) in enumerate(points.groupby("series", sort=False)):
        figure.add_scatter(
            x=rows["joule"] * 1e6,
            y=rows["accuracy"],
            error_y={"type": "data", "symmetric": False, "array": rows["high"] - rows["accuracy"],
                     "arrayminus": rows["accuracy"] - rows["low"], "thickness": 1, "width": 3},
            mode="lines+markers",
            text=rows["label"],
            name=str(series),
            marker={"size": 10, "color": colors[index % 2]},
            hovertemplate="%{text}<br>%{y:.1%} of the images right<br>%{x:,.2f} µJ a frame"
            "<extra></extra>",
        )  # fmt: skip
        _name_bars(figure, rows, above=index % 2 == 0, color=colors[index % 2])
    low, high = points["joule"].min() * 1e6, points["joule"].max() * 1e6
    margin = max(0.1 * (high - low), 0.02 * high)
    figure.update_xaxes(range=[low - margin, high + margin])
    figure.update_layout(yaxis_tickformat=".0%")
    return _axes(figure, x="µJ a frame", y="accuracy (share of images right)", height=460)


def _name_bars(figure: go.Figure, rows: pd.DataFrame, *, above: bool, color: str) -> None:
    """Labels at the ends of the intervals, every other one a line further out."""
    by_energy = rows.sort_values("joule")
    ends = by_energy["high" if above else "low"]
    for place, (joule, end, label) in enumerate(
        zip(by_energy["joule"], ends, by_energy["label"], strict=True)
    ):
        figure.add_annotation(
            x=joule * 1e6,
            y=end,
            text=label,
            showarrow=False,
            font={"color": color, "size": 12},
            yanchor="bottom" if above else "top",
            yshift=(2 + 15 * (place % 2)) * (1 if above else -1),
        )


def peers(table: pd.DataFrame) -> go.Figure:
    """Frames per second against energy, both scaled to the reference network."""
    rows = table.dropna(subset=["scaled_fps", "scaled_millijoule"])
    ours, scaled = rows["system"].str.startswith(OURS), rows["scaled_mark"] == "D"
    figure = go.Figure()
    for name, chosen, color, symbol in (
        ("published, on this network", ~ours & ~scaled, ACCENT, "circle"),
        ("published, scaled", ~ours & scaled, ACCENT, "circle-open"),
        ("sparsespike, on this network", ours & ~scaled, WARM, "star"),
        ("sparsespike, this run scaled", ours & scaled, WARM, "star-open"),
    ):
        some = rows[chosen].sort_values("scaled_millijoule")
        if some.empty:
            continue
        sides = _STAR_SIDES if color == WARM else _SIDES[:2]
        figure.add_scatter(
            x=some["scaled_millijoule"],
            y=some["scaled_fps"],
            mode="markers+text",
            name=name,
            text=some["label"],
            textposition=[sides[place % len(sides)] for place in range(len(some))],
            textfont={"size": 11},
            marker={"size": 15 if color == WARM else 11, "color": color, "symbol": symbol},
            customdata=some[["system", "platform", "network"]],
            hovertemplate="%{customdata[0]}<br>%{y:,.0f} frames/s, %{x:,.2f} mJ<br>"
            "%{customdata[1]}<br>%{customdata[2]}<extra></extra>",
        )
    low, high = rows["scaled_millijoule"].min(), rows["scaled_millijoule"].max()
    figure.update_xaxes(
        type="log", range=[math.log10(high * 1.8), math.log10(low / 3)], tickvals=_DECADES
    )
    low, high = rows["scaled_fps"].min(), rows["scaled_fps"].max()
    figure.update_yaxes(
        type="log", range=[math.log10(low / 1.5), math.log10(high * 1.6)], tickvals=_DECADES
    )
    return _axes(figure, x="mJ a frame (better to the right)", y="frames/s", height=500)


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
