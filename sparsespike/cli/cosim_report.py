"""How `sparsespike cosim` shows its result: a table, a few lines, and the JSON form."""

from typing import Any

import numpy as np
import typer
from rich.table import Table


def layer_table(layers: list[dict[str, Any]]) -> Table:
    """One row per layer: what differed, and the cycles of both."""
    columns = ("layer", "mismatches", "cycles RTL", "cycles sim", "difference", "counters")
    table = Table(*columns)
    for column in table.columns[1:]:
        column.justify = "right"
    for layer in layers:
        difference = layer["cycles_rtl"] - layer["cycles_sim"]
        table.add_row(
            layer["name"],
            str(layer["mismatches"]),
            f"{layer['cycles_rtl']:,}",
            f"{layer['cycles_sim']:,}",
            str(difference),
            "equal" if layer["counters_equal"] else "DIFFER",
        )
    return table


def cosim_result(run: Any) -> dict[str, Any]:
    """The JSON form of a `cocotb_tests.cosim.CosimResult`."""
    layers = [
        {
            "name": layer.name,
            "mismatches": int(layer.mismatches),
            "mismatches_rtl": int(layer.mismatches_rtl),
            "mismatches_sim": int(layer.mismatches_sim),
            "cycles_rtl": int(layer.cycles_rtl),
            "cycles_sim": int(layer.cycles_sim),
            "counters_equal": bool(layer.counters_equal),
        }
        for layer in run.layers
    ]
    names = (
        "bit_exact",
        "cycle_exact",
        "simulator",
        "logits_rtl",
        "logits_sim",
        "logits_golden",
        "rtl_cycles",
        "rtl_wall_seconds",
        "rtl_build_seconds",
        "sim_wall_seconds",
        "first_mismatch",
    )
    # The folder of an exact run is removed again.
    places = {name: getattr(run, name) for name in ("run_dir", "waves")}
    paths = {name: str(place) for name, place in places.items() if place and place.exists()}
    return {
        **{name: getattr(run, name) for name in names},
        "layers": layers,
        "bus_problems": list(run.bus_problems),
        **paths,
    }


def print_summary(result: dict[str, Any]) -> None:
    """Logits, classes, speed, energy and the two verdicts of a result."""
    machines = ("rtl", "sim", "golden")
    logits = [result[f"logits_{machine}"] for machine in machines]
    equal = "equal" if logits[0] == logits[1] == logits[2] else "DIFFER"
    classes = " ".join(str(int(np.argmax(row))) for row in result["logits_rtl"])
    images = len(logits[0])
    typer.echo(f"logits ({images} images): {equal} in RTL, simulator and golden model")
    typer.echo(f"classes: {classes}")
    typer.echo(
        f"{result['rtl_cycles'] / images:,.0f} cycles an image, {result['fps']:,.1f} frames/s, "
        f"{result['energy_per_image_joule'] * 1e6:,.2f} uJ an image"
    )
    typer.echo(
        f"{result['simulator']}: {result['rtl_wall_seconds']:.1f} s, built in "
        f"{result['rtl_build_seconds']:.1f} s; simulator: {result['sim_wall_seconds']:.2f} s"
    )
    for name in ("run_dir", "waves"):
        if name in result:
            typer.echo(f"{name.replace('_', ' ')}: {result[name]}")
    if result["first_mismatch"]:
        typer.echo(f"first mismatch: {result['first_mismatch']}")
    for exact in ("bit_exact", "cycle_exact"):
        typer.echo(f"{exact.replace('_', '-')}: {'yes' if result[exact] else 'NO'}")
