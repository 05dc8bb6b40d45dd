"""`sparsespike simulate`: cycles, counters, utilization and energy of a network on an engine."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sparsespike.cli.inputs import load_images, load_network, load_program
from sparsespike.cli.meta import meta
from sparsespike.cli.options import (
    DEFAULT_NETWORK,
    DEFAULT_TECHNOLOGY,
    DataOption,
    ImagesOption,
    JsonOption,
    LanesOption,
    OptionalEngineOption,
    OptionalNetworkOption,
    TechnologyOption,
    whole_number,
)
from sparsespike.cli.output import require_writable_file, write_json
from sparsespike.cli.progress import progress
from sparsespike.cli.simulate_report import print_simulation, simulation_result


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
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads", metavar="N", parser=whole_number, help="Images at a time [one a core]."
        ),
    ] = None,
) -> None:
    """Run the cycle-level simulator over images.

    Example: sparsespike simulate --network nano --engine small --images 16 --json run.json
    """
    if json_file is not None:
        require_writable_file(json_file, option="--json")
    if threads is not None and threads < 1:
        raise typer.BadParameter(f"{threads}: must be at least 1", param_hint="--threads")
    from reports.technology import load_technology

    prices = load_technology(technology)
    program = load_program(program_file, network=network, engine=engine, lanes=lanes)
    density = {} if program_file else load_network(network or DEFAULT_NETWORK).weight_density()
    pixels = load_images(data, images, program.network).images
    from sim import simulate

    with progress("simulate", total=len(pixels)) as advance:
        run = simulate(program, pixels, threads=threads or os.cpu_count() or 1, progress=advance)
    from reports.measure import Run, measure

    name = network or (DEFAULT_NETWORK if program_file is None else program_file.name)
    measured = measure(
        Run(name, program.network, program.engine, run.layers, run.cycles, run.counters, density),
        prices,
    )
    result = simulation_result(run, measured)
    print_simulation(result, measured, Console())
    if json_file is not None:
        engine_hash = program.engine.hash
        hashes = meta(
            config_hash=engine_hash, program_hash=program.hash, network_hash=program.network_hash
        )
        write_json(json_file, {**result, "meta": {**hashes, "technology": prices.name}})
