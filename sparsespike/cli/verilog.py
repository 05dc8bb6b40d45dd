"""`sparsespike verilog`: the engine's RTL, register map and file list."""

from pathlib import Path
from typing import Annotated

import typer

from sparsespike.cli.inputs import load_engine_config
from sparsespike.cli.meta import meta
from sparsespike.cli.options import DEFAULT_ENGINE, EngineOption, JsonOption, LanesOption
from sparsespike.cli.output import require_writable_directory, require_writable_file, write_json
from sparsespike.cli.progress import progress


def command(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder to write.")
    ] = Path("build/verilog"),
    engine: EngineOption = DEFAULT_ENGINE,
    lanes: LanesOption = None,
    json_file: JsonOption = None,
) -> None:
    """Write synthesizable Verilog of an engine; what is generated belongs to you.

    Example: sparsespike verilog --engine small -o build/verilog
    """
    if json_file is not None:
        require_writable_file(json_file, option="--json")
    require_writable_directory(output, option="--output")
    config = load_engine_config(engine, lanes)
    from hw.generate import write_verilog

    with progress("verilog: elaborating and converting"):
        files = write_verilog(config, output)
    for file in files:
        typer.echo(f"{file} ({file.stat().st_size:,} bytes)")
    if json_file is not None:
        rows = [{"path": str(file), "bytes": file.stat().st_size} for file in files]
        write_json(json_file, {"files": rows, "meta": meta(config_hash=config.hash)})
