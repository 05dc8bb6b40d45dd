"""`sparsespike cosim`: the RTL against simulator and golden model, on real images."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from sparsespike.cli.cosim_report import cosim_result, layer_table, print_summary
from sparsespike.cli.inputs import compile_for, load_engine_config, load_images, load_network
from sparsespike.cli.meta import meta
from sparsespike.cli.options import (
    DEFAULT_ENGINE,
    DEFAULT_NETWORK,
    DEFAULT_TECHNOLOGY,
    DataOption,
    EngineOption,
    ImagesOption,
    JsonOption,
    LanesOption,
    NetworkOption,
    TechnologyOption,
)
from sparsespike.cli.output import (
    require_writable_directory,
    require_writable_file,
    write_json,
)
from sparsespike.cli.progress import progress
from sparsespike.contract.errors import ContractError

SIMULATORS = ("verilator", "icarus")


def command(
    network: NetworkOption = DEFAULT_NETWORK,
    engine: EngineOption = DEFAULT_ENGINE,
    lanes: LanesOption = None,
    data: DataOption = None,
    images: ImagesOption = 2,
    simulator: Annotated[
        str, typer.Option("--simulator", metavar="|".join(SIMULATORS), help="RTL simulator.")
    ] = "verilator",
    waves: Annotated[bool, typer.Option("--waves", help="Also write waveforms.")] = False,
    build_dir: Annotated[
        Path, typer.Option("--build-dir", metavar="DIR", help="Folder for the RTL build.")
    ] = Path("build/rtl"),
    technology: TechnologyOption = DEFAULT_TECHNOLOGY,
    json_file: JsonOption = None,
) -> None:
    """Run the RTL on images and compare every layer with simulator and golden model.

    Exit code 1 if any spike, logit, cycle or counter differs.

    Example: sparsespike cosim --network nano --engine small --images 2
    """
    if json_file is not None:
        require_writable_file(json_file, option="--json")
    if simulator not in SIMULATORS:
        known = ", ".join(SIMULATORS)
        raise typer.BadParameter(f"'{simulator}' is not one of {known}", param_hint="--simulator")
    require_writable_directory(build_dir, option="--build-dir")
    _require_no_space(build_dir.resolve())
    from reports.technology import load_technology

    prices = load_technology(technology)
    config = load_engine_config(engine, lanes)
    net = load_network(network)
    pixels = load_images(data, images, net.config).images
    program = compile_for(net, config)
    run = _run(
        net, program, pixels, simulator=simulator, waves=waves, build_dir=build_dir.resolve()
    )
    result = {**cosim_result(run), **_figures(program, pixels, prices)}
    Console().print(layer_table(result["layers"]))
    print_summary(result)
    if json_file is not None:
        hashes = meta(
            config_hash=config.hash, program_hash=program.hash, network_hash=program.network_hash
        )
        write_json(json_file, {**result, "meta": {**hashes, "technology": prices.name}})
    if not (run.bit_exact and run.cycle_exact):
        raise typer.Exit(1)


def _run(net: Any, program: Any, pixels: Any, **options: Any) -> Any:
    from cocotb_tests.cosim import run_cosim
    from cocotb_tests.runner import RtlBuildError, RtlRunError
    from cocotb_tests.tools import ToolMissingError

    try:
        with progress("cosim: building the RTL and running it"):
            return run_cosim(net, program, pixels, **options)
    except ToolMissingError as error:
        raise ContractError(f"{error} (see `sparsespike doctor`)") from error
    except (RtlBuildError, RtlRunError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


def _figures(program: Any, pixels: Any, prices: Any) -> dict[str, float]:
    """Cycles, frames per second and energy; the RTL's own wherever the run was cycle-exact."""
    from reports.summary import summarize
    from sim import simulate

    run = simulate(program, pixels)
    engine = program.engine
    summary = summarize(run.layers, run.cycles, run.counters, engine=engine, technology=prices)
    return {
        "cycles_per_image": summary.cycles_per_image,
        "fps": summary.fps,
        "energy_per_image_joule": summary.energy_per_image_joule,
    }


def _require_no_space(folder: Path) -> None:
    if any(letter.isspace() for letter in str(folder)):
        raise ContractError(
            f"--build-dir {folder}: the path has a space, which the RTL simulators' makefiles "
            "cannot take: choose a folder without one"
        )
