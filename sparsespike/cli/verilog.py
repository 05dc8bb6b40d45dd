"""`sparsespike verilog`: an engine's RTL with all that takes it into another flow."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sparsespike.cli.inputs import compile_for, load_engine_config, load_images, load_network
from sparsespike.cli.meta import meta
from sparsespike.cli.options import (
    DEFAULT_ENGINE,
    DEFAULT_NETWORK,
    EngineOption,
    JsonOption,
    LanesOption,
    OptionalNetworkOption,
)
from sparsespike.cli.output import require_writable_directory, require_writable_file, write_json
from sparsespike.cli.progress import progress
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError

_IMAGES = 1


def command(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder to write.")
    ] = Path("build/verilog"),
    engine: EngineOption = DEFAULT_ENGINE,
    lanes: LanesOption = None,
    network: OptionalNetworkOption = None,
    json_file: JsonOption = None,
) -> None:
    """Write synthesizable Verilog of an engine; what is generated belongs to you.

    The folder also holds the register map (Markdown, JSON, SystemRDL, C), FuseSoC, Vivado and
    LiteX files, signal names for waveforms, and a testbench that runs from this folder alone.

    Example: sparsespike verilog --engine small -o build/verilog
    """
    if json_file is not None:
        require_writable_file(json_file, option="--json")
    require_writable_directory(output, option="--output")
    config = load_engine_config(engine, lanes)
    stimuli = _stimuli(network, config)
    from hw.bundle.write import write_bundle

    with progress("verilog: elaborating and converting"):
        files = write_bundle(config, output)
    if stimuli is not None:
        files += _write_testbench(*stimuli, output)
    for file in files:
        typer.echo(f"{file} ({file.stat().st_size:,} bytes)")
    if json_file is not None:
        rows = [{"path": str(file), "bytes": file.stat().st_size} for file in files]
        write_json(json_file, {"files": rows, "meta": meta(config_hash=config.hash)})


def _stimuli(network: str | None, config: EngineConfig) -> tuple[Any, Any] | None:
    """Program and images of the testbench; None, with a note, if `nano` does not fit."""
    net = load_network(network or DEFAULT_NETWORK)
    try:
        program = compile_for(net, config)
    except ContractError as error:
        if network is not None:
            raise
        typer.echo(f"note: no testbench, since {DEFAULT_NETWORK} does not fit: {error}", err=True)
        typer.echo("note: choose a network that fits with --network", err=True)
        return None
    return program, load_images(None, _IMAGES, net.config).images


def _write_testbench(program: Any, images: Any, output: Path) -> list[Path]:
    from cocotb_tests.bundle_bench import write_testbench

    with progress("verilog: stimuli and expected outputs"):
        return write_testbench(program, images, output)
