"""`sparsespike simulate`: cycles, counters, utilization and energy of a network on an engine."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from sparsespike.cli.inputs import load_images, load_program
from sparsespike.cli.meta import meta
from sparsespike.cli.options import (
    DEFAULT_TECHNOLOGY,
    DataOption,
    ImagesOption,
    JsonOption,
    LanesOption,
    OptionalEngineOption,
    OptionalNetworkOption,
    TechnologyOption,
)
from sparsespike.cli.output import require_writable_file, write_json
from sparsespike.cli.progress import progress


def command(
    program_file: Annotated[
        Path | None,
        typer.Argument(metavar="[PROGRAM]", help="A compiled program; else network and engine."),
    ] = None,
    engine: OptionalEngineOption = None,
    network: OptionalNetworkOption = None,
    lanes: LanesOption = None,
    data: DataOption = None,
    images: ImagesOption = None,
    technology: TechnologyOption = DEFAULT_TECHNOLOGY,
    json_file: JsonOption = None,
) -> None:
    """Run the cycle-level simulator over images.

    Example: sparsespike simulate --network nano --engine small --images 16 --json run.json
    """
    if json_file is not None:
        require_writable_file(json_file, option="--json")
    from reports.technology import load_technology

    prices = load_technology(technology)
    program = load_program(program_file, network=network, engine=engine, lanes=lanes)
    pixels = load_images(data, images, program.network).images
    from sim import simulate

    with progress("simulate", total=len(pixels)) as advance:
        run = simulate(program, pixels, progress=advance)
    result = _result(run, program.engine, prices)
    _print(result, Console())
    if json_file is not None:
        engine_hash = program.engine.hash
        hashes = meta(
            config_hash=engine_hash, program_hash=program.hash, network_hash=program.network_hash
        )
        write_json(json_file, {**result, "meta": {**hashes, "technology": prices.name}})


def _result(run: Any, engine: Any, prices: Any) -> dict[str, Any]:
    from reports.summary import summarize
    from sparsespike.contract.counters import COUNTERS

    summary = summarize(run.layers, run.cycles, run.counters, engine=engine, technology=prices)
    totals = np.asarray(run.counters).sum(axis=0)
    layers = [
        {
            "name": name,
            "cycles": int(run.cycles[:, index].sum()),
            "counters": dict(zip(COUNTERS, map(int, totals[index]), strict=True)),
        }
        for index, name in enumerate(run.layers)
    ]
    return {
        "images": summary.images,
        "cycles_per_image": summary.cycles_per_image,
        "wall_seconds": run.wall_seconds,
        "images_per_second": run.images_per_second,
        "utilization": summary.utilization,
        "energy_per_image_joule": summary.energy_per_image_joule,
        "fps": summary.fps,
        "layers": layers,
    }


def _print(result: dict[str, Any], console: Console) -> None:
    images = result["images"]
    table = Table("layer", "cycles an image", "share", "additions an image")
    for column in table.columns[1:]:
        column.justify = "right"
    for layer in result["layers"]:
        cycles = layer["cycles"] / images
        additions = layer["counters"]["additions"] / images
        share = cycles / result["cycles_per_image"]
        table.add_row(layer["name"], f"{cycles:,.0f}", f"{share:.1%}", f"{additions:,.0f}")
    console.print(table)
    lines = (
        f"{result['cycles_per_image']:,.0f} cycles an image over {images} images",
        f"{result['fps']:,.1f} frames/s at the engine's clock",
        f"{result['utilization']:.1%} utilization of the lanes",
        f"{result['energy_per_image_joule'] * 1e6:,.2f} uJ an image",
        f"{result['images_per_second']:,.1f} images/s is the simulator's own speed",
    )
    for line in lines:
        console.print(line, highlight=False)
