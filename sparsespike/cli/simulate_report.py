"""How `sparsespike simulate` shows a run: tables, a few lines, and the JSON form."""

import math
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from sparsespike.cli.cycle_table import cycle_rows, print_cycles

_MICRO = 1e-6
"""Microjoules of a picojoule."""


def simulation_result(run: Any, measured: Any) -> dict[str, Any]:
    """The JSON form of a simulation and of its `reports.measure.Measurement`."""
    from reports.summary import summarize
    from sparsespike.contract.counters import COUNTERS

    engine = measured.run.engine
    summary = summarize(
        run.layers, run.cycles, run.counters, engine=engine, technology=measured.technology
    )
    totals = run.counters.sum(axis=0)
    by_name = measured.layers.set_index("layer")
    layers = [
        {
            "name": name,
            "cycles": int(run.cycles[:, index].sum()),
            "counters": dict(zip(COUNTERS, map(int, totals[index]), strict=True)),
            "energy_per_image_joule": float(by_name.at[name, "energy_pj"]) * 1e-12,
            "firing_rate": _number(by_name.at[name, "firing_rate"]),
            "cycle_causes": row["causes"],
            "lanes_busy": row["lanes_busy"],
            "lower_bound": {key: row[key] for key in ("bound", "limit", "ratio", "work_ratio")},
        }
        for index, (name, row) in enumerate(zip(run.layers, cycle_rows(measured), strict=True))
    ]
    return {
        "images": summary.images,
        "cycles_per_image": summary.cycles_per_image,
        "wall_seconds": run.wall_seconds,
        "images_per_second": run.images_per_second,
        "utilization": summary.utilization,
        "energy_per_image_joule": summary.energy_per_image_joule,
        "fps": summary.fps,
        **measured_result(measured),
        "layers": layers,
    }


def measured_result(measured: Any) -> dict[str, Any]:
    """What `simulate` and `report` both write of a Measurement, besides its layers."""
    from reports.synops import synaptic_operations

    run = measured.run
    work = synaptic_operations(measured.counters, run.network, images=run.images)
    values = measured.quantities.set_index("quantity")["value"]
    names = {
        "weights": "sparsity of weights",
        "activations": "sparsity of activations",
        "operations": "sparsity of operations",
        "silent_words": "silent words of the inputs",
    }
    return {
        "throughput": asdict(measured.throughput),
        "energy_by_component": _components(measured),
        "static_energy_per_image_joule": measured.static._asdict(),
        "synops_per_image": {**work._asdict(), "total": work.total},
        "sparsity": {key: float(values[name]) if name in values else None
                     for key, name in names.items()},
        "mean_firing_rate": float(values["mean firing rate"]),
    }  # fmt: skip


def layer_results(measured: Any) -> list[dict[str, Any]]:
    """Cycles, energy and firing rate of an image by layer."""
    return [
        {
            "name": row["layer"],
            "cycles_per_image": float(row["cycles"]),
            "energy_per_image_joule": float(row["energy_pj"]) * 1e-12,
            "firing_rate": _number(row["firing_rate"]),
        }
        for _, row in measured.layers.iterrows()
    ]


def print_simulation(result: dict[str, Any], measured: Any, console: Console) -> None:
    """Energy by layer and component, then what people compare."""
    console.print(_layer_table(result, measured))
    print_cycles(cycle_rows(measured), console)
    console.print(_component_table(measured))
    speed, work = result["throughput"], result["synops_per_image"]
    lines = (
        f"{result['cycles_per_image']:,.0f} cycles an image over {result['images']} images: "
        f"{speed['latency_ms']:,.3f} ms, {result['fps']:,.1f} frames/s at "
        f"{measured.run.engine.clock_mhz:g} MHz",
        f"{result['energy_per_image_joule'] * 1e6:,.2f} uJ an image "
        f"({measured.technology.name}); {speed['watt'] * 1e3:,.1f} mW: "
        f"{speed['dynamic_watt'] * 1e3:,.1f} dynamic, {speed['static_watt'] * 1e3:,.1f} static"
        f"{_leakage_interval(measured)}",
        f"{speed['effective_gsops']:,.2f} GSOP/s effective, "
        f"{speed['dense_gsops']:,.2f} GSOP/s dense-equivalent; "
        f"{speed['effective_gsops_per_watt']:,.2f} and {speed['dense_gsops_per_watt']:,.2f} "
        "GSOP/s/W",
        f"{work['dense']:,.0f} dense operations an image; {work['effective_acs']:,.0f} effective "
        f"ACs, {work['bitplane_additions']:,.0f} additions in place of MACs, "
        f"{work['attention_additions']:,.0f} in attention",
        f"{result['mean_firing_rate']:.1%} mean firing rate, "
        f"{result['utilization']:.1%} utilization of the lanes",
        _sparsity_line(result["sparsity"]),
        f"{result['images_per_second']:,.1f} images/s is the simulator's own speed",
    )
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)


def _sparsity_line(shares: dict[str, float | None]) -> str:
    named = [
        f"{share:.1%} of {name}"
        for name, share in shares.items()
        if share is not None and name != "silent_words"
    ]
    return f"sparsity: {', '.join(named)}; {shares['silent_words']:.1%} of the input words silent"


def _leakage_interval(measured: Any) -> str:
    static = measured.static
    if static.lowest >= static.highest:
        return ""
    low, high = ((measured.dynamic_joule + end) * 1e6 for end in static[1:])
    return f"; {low:,.2f} to {high:,.2f} uJ over the leakage that the table's sources give"


def _layer_table(result: dict[str, Any], measured: Any) -> Table:
    from reports.shown import shown_parts

    table = Table("layer", "cycles an image", "share", "uJ an image", "firing", "silent words")
    for column in table.columns[1:]:
        column.justify = "right"
    rows = measured.layers
    shown, total = shown_parts([value * _MICRO for value in rows["energy_pj"]], 2)
    for (_, row), energy in zip(rows.iterrows(), shown, strict=True):
        table.add_row(
            row["layer"],
            f"{row['cycles']:,.0f}",
            f"{row['share']:.1%}",
            energy,
            _percent(row["firing_rate"]),
            _percent(row["silent_share"]),
        )
    table.add_section()
    table.add_row("total", f"{result['cycles_per_image']:,.0f}", "100.0%", total, "", "")
    return table


def _component_table(measured: Any) -> Table:
    from reports.shown import shown_parts

    table = Table("component", "kind", "uJ an image", "share")
    for column in table.columns[2:]:
        column.justify = "right"
    rows = measured.components
    whole = rows["energy_pj"].sum() or 1.0
    shown, total = shown_parts([value * _MICRO for value in rows["energy_pj"]], 2)
    for (_, row), energy in zip(rows.iterrows(), shown, strict=True):
        table.add_row(row["component"], row["kind"], energy, f"{row['energy_pj'] / whole:.1%}")
    table.add_section()
    table.add_row("total", "", total, "100.0%")
    return table


def _components(measured: Any) -> list[dict[str, Any]]:
    return [
        {
            "component": row["component"],
            "kind": row["kind"],
            "energy_per_image_joule": float(row["energy_pj"]) * 1e-12,
        }
        for _, row in measured.components.iterrows()
    ]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _percent(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.1%}"
