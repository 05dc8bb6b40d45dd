"""`sparsespike compile`: an integer network becomes a Program for one engine."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from sparsespike.cli.inputs import compile_for, load_engine_config, load_images, load_network
from sparsespike.cli.meta import meta
from sparsespike.cli.options import (
    DEFAULT_ENGINE,
    DEFAULT_NETWORK,
    DataOption,
    EngineOption,
    JsonOption,
    LanesOption,
    NetworkOption,
    TuneOption,
)
from sparsespike.cli.output import output_file, require_writable_file, write_json
from sparsespike.cli.progress import progress
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.files import save_atomically
from sparsespike.contract.network import IntegerNetwork


def command(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Program file. Default: below build/."),
    ] = None,
    network: NetworkOption = DEFAULT_NETWORK,
    engine: EngineOption = DEFAULT_ENGINE,
    lanes: LanesOption = None,
    tune: TuneOption = None,
    bands: Annotated[
        list[str] | None,
        typer.Option(
            "--bands",
            metavar="LAYER=N",
            help="Split a layer's positions into N bands, whatever is best; may be repeated.",
        ),
    ] = None,
    data: DataOption = None,
    json_file: JsonOption = None,
) -> None:
    """Compile a network for an engine: descriptors and memory image, in one file.

    Example: sparsespike compile --network nano --engine small -o nano.program
    """
    if json_file is not None:
        require_writable_file(json_file, option="--json")
    target = output_file(output, default=f"{Path(network).stem}-{Path(engine).stem}.program")
    config = load_engine_config(engine, lanes)
    net = load_network(network)
    forced = _forced(bands or [], net)
    tuned = _tuned(net, config, data, tune) if tune is not None else {"bands": {}}
    program = compile_for(net, config, **{**tuned, "bands": tuned["bands"] | forced})
    save_atomically(target, program.save)
    layers = [_row(layer) for layer in program.layers]
    Console().print(_table(layers))
    typer.echo(f"{target}: {len(layers)} layers, {program.image.nbytes:,} bytes of memory image")
    if json_file is not None:
        hashes = meta(
            config_hash=config.hash, program_hash=program.hash, network_hash=program.network_hash
        )
        result = {"program": str(target), "image_bytes": program.image.nbytes, "layers": layers}
        write_json(json_file, {**result, "meta": hashes})


def _forced(texts: list[str], net: IntegerNetwork) -> dict[str, int]:
    """Layer name -> bands."""
    names = [layer.name for layer in net.layers if layer.kind != "attention"]
    forced = {}
    for text in texts:
        name, _, count = text.partition("=")
        if name not in names or not count.isdecimal() or not int(count):
            raise typer.BadParameter(
                f"{text!r} is not LAYER=N; use a layer of {', '.join(names)} and bands from 1 on",
                param_hint="--bands",
            )
        forced[name] = int(count)
    return forced


def _tuned(
    net: IntegerNetwork, engine: EngineConfig, data: Path | None, images: int
) -> dict[str, Any]:
    """What the first images of `data` say of the mapping."""
    from sparsespike.cli.tuning import tune

    pixels = load_images(data, images, net.config).images
    with progress("tune"):
        return tune(net, engine, pixels).arguments()


def _row(layer: Any) -> dict[str, Any]:
    descriptor = layer.descriptor
    return {
        "name": layer.name,
        "tokens": descriptor.tokens,
        "groups": descriptor.groups,
        "tiles": descriptor.tiles,
        "bands": 1 << descriptor.split,
    }


def _table(layers: list[dict[str, Any]]) -> Table:
    table = Table("layer", "tokens", "step groups", "tiles", "bands")
    for column in table.columns[1:]:
        column.justify = "right"
    for layer in layers:
        table.add_row(*(str(value) for value in layer.values()))
    return table
