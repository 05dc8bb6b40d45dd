"""`sparsespike board`: an engine on an FPGA board, from Verilog to bitstream and host program."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sparsespike.cli.inputs import compile_for, load_images, load_network
from sparsespike.cli.meta import meta
from sparsespike.cli.options import (
    DEFAULT_NETWORK,
    EngineOption,
    JsonOption,
    NetworkOption,
    whole_number,
)
from sparsespike.cli.output import require_writable_directory, require_writable_file, write_json
from sparsespike.cli.progress import progress
from sparsespike.contract.errors import ContractError

_IMAGES = 1


def command(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder to write.")
    ] = Path("build/board"),
    board: Annotated[str, typer.Option("--board", metavar="NAME", help="ulx3s-85f.")] = "ulx3s-85f",
    engine: EngineOption = "micro",
    network: NetworkOption = DEFAULT_NETWORK,
    memory: Annotated[
        int | None,
        typer.Option(
            "--memory",
            metavar="BYTES",
            parser=whole_number,
            help="Block RAM behind the engine, a power of two [131072].",
        ),
    ] = None,
    baud: Annotated[
        int, typer.Option("--baud", metavar="N", parser=whole_number, help="Speed of the UART.")
    ] = 1_000_000,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", parser=whole_number, help="Seed of the placer.")
    ] = 1,
    bitstream: Annotated[
        bool, typer.Option("--bitstream/--no-bitstream", help="Also make the bitstream.")
    ] = True,
    json_file: JsonOption = None,
) -> None:
    """Put an engine on a board: Verilog, constraints, bitstream, and a program for the host.

    The engine keeps its shape and takes the board's clock and a memory of 2 cycles. Finished
    steps are kept in DIR/build: an interrupted run goes on where it stopped.

    Example: sparsespike board --network tiny -o build/board
    """
    if json_file is not None:
        require_writable_file(json_file, option="--json")
    require_writable_directory(output, option="--output")
    from hw.board.boards import find_board
    from hw.board.write import baud_divisor, board_engine, require_memory_size
    from hw.flow.yosys import MissingToolError

    chosen = find_board(board)
    memory_bytes = require_memory_size(memory or chosen.memory_bytes)
    divisor = baud_divisor(chosen, baud)
    config = board_engine(engine, chosen)
    net = load_network(network)
    program = compile_for(net, config)
    images = load_images(None, _IMAGES, net.config).images
    try:
        files = _write(program, images, output, chosen, memory_bytes, baud, divisor)
        for file in files:
            typer.echo(f"{file} ({file.stat().st_size:,} bytes)")
        result = _bitstream(output, chosen, seed) if bitstream else {}
    except MissingToolError as error:
        raise ContractError(f"{error} (see `sparsespike doctor`)") from error
    if json_file is not None:
        rows = [{"path": str(file), "bytes": file.stat().st_size} for file in files]
        write_json(json_file, {"files": rows, **result, "meta": meta(config_hash=config.hash)})


def _write(
    program: Any,
    images: Any,
    output: Path,
    board: Any,
    memory_bytes: int,
    baud: int,
    divisor: int,
) -> list[Path]:
    from cocotb_tests.board_host import write_host
    from hw.board.write import write_board

    with progress("board: what the host needs"):
        files = write_host(
            program,
            images,
            output / "host",
            memory_bytes=memory_bytes,
            baud=baud,
            divisor=divisor,
        )
    with progress("board: elaborating and converting"):
        return [
            *write_board(program.engine, board, output, divisor, memory_bytes),
            *files,
        ]


def _bitstream(output: Path, board: Any, seed: int) -> dict[str, Any]:
    from hw.board.build import build_bitstream
    from hw.board.write import TOP

    with progress(f"board: {board.name}", total=3) as advance:
        made = build_bitstream(
            output / f"{TOP}.v",
            output / f"{board.name}.lpf",
            board,
            folder=output / "build",
            seed=seed,
            progress=advance,
        )
    typer.echo(f"{made.path} ({made.path.stat().st_size:,} bytes)")
    for name, (used, available) in made.route.utilization.items():
        typer.echo(f"{name}: {used:,} of {available:,} ({used / available:.0%})")
    typer.echo(f"Fmax: {made.route.fmax_mhz:.1f} MHz; the board's clock: {board.clock_mhz:g} MHz")
    return {
        "bitstream": str(made.path),
        "fmax_mhz": made.route.fmax_mhz,
        "clock_mhz": board.clock_mhz,
        "utilization": {
            name: {"used": used, "available": available}
            for name, (used, available) in made.route.utilization.items()
        },
    }
