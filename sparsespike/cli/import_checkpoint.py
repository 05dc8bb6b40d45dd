"""`sparsespike import`: an official checkpoint becomes a checkpoint of ours."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from sparsespike.cli.inputs import CHECKPOINT_SUFFIX
from sparsespike.cli.meta import meta
from sparsespike.cli.options import JsonOption, decimal_number, whole_number
from sparsespike.cli.output import output_file, require_writable_file, write_json
from sparsespike.cli.progress import progress
from sparsespike.contract.errors import ContractError
from sparsespike.contract.files import save_atomically
from sparsespike.contract.network import WEIGHT_BITS

if TYPE_CHECKING:
    from model.normalization import NormalizationName
    from model.official import ImportOptions, OfficialImport

NORMALIZATIONS = ("cifar10", "cifar100", "imagenet")


def block_list(text: str) -> tuple[int, ...]:
    """The block numbers of a list such as 1,2,3; BadParameter with the value otherwise."""
    if not re.fullmatch(r"\d{1,4}(,\d{1,4})*", text):
        raise typer.BadParameter(f"'{text}' is not a list of blocks: give one such as 1,2,3")
    return tuple(int(word) for word in text.split(","))


def command(
    checkpoint: Annotated[
        Path,
        typer.Argument(metavar="CKPT", help="Official .pth, .pth.tar or .safetensors file."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Checkpoint. Default: in build/."),
    ] = None,
    heads: Annotated[
        int | None,
        typer.Option(
            "--heads",
            metavar="N",
            parser=whole_number,
            help="Attention heads; needed, no tensor tells.",
        ),
    ] = None,
    keep_ratio: Annotated[
        float | None,
        typer.Option(
            "--keep-ratio",
            metavar="RHO",
            parser=decimal_number,
            help="Share of tokens that each selector keeps [1: all of them].",
        ),
    ] = None,
    time_steps: Annotated[
        int | None,
        typer.Option(
            "--time-steps", metavar="T", parser=whole_number, help="Time steps [4, DVS 16]."
        ),
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option(
            "--image-size",
            metavar="N",
            parser=whole_number,
            help="Edge of an image in pixels [CIFAR 32, DVS 128, ImageNet 224].",
        ),
    ] = None,
    selector_blocks: Annotated[
        str | None,
        typer.Option(
            "--selector-blocks",
            metavar="LIST",
            help="Blocks that have a token selector before them [1,2,..].",
        ),
    ] = None,
    weight_bits: Annotated[
        int,
        typer.Option(
            "--weight-bits", metavar="4|6|8", parser=whole_number, help="Bits when quantised."
        ),
    ] = 8,
    normalization: Annotated[
        str | None,
        typer.Option(
            "--normalization",
            metavar="|".join(NORMALIZATIONS),
            help="Of the training images [by the file's kind and classes].",
        ),
    ] = None,
    json_file: JsonOption = None,
) -> None:
    """Read a checkpoint of Spikformer or SparseSpikformer; no code in it is run.

    The architecture follows from the tensors' shapes; what stands in no tensor is an option.

    Example: sparsespike import best.pth.tar --heads 12 --keep-ratio 0.7 -o mine.safetensors
    """
    _require_one_of("--weight-bits", weight_bits, WEIGHT_BITS)
    if normalization is not None:
        _require_one_of("--normalization", normalization, NORMALIZATIONS)
    blocks = None if selector_blocks is None else block_list(selector_blocks)
    if json_file is not None:
        require_writable_file(json_file, option="--json")
    target = _target(output, checkpoint)
    from model.checkpoint import save_checkpoint
    from model.official import ImportOptions, import_official

    options = ImportOptions(
        heads=heads,
        keep_ratio=keep_ratio,
        time_steps=time_steps,
        image_size=image_size,
        selector_blocks=blocks,
        weight_bits=weight_bits,
        normalization=cast("NormalizationName | None", normalization),
    )
    with progress("import"):
        result = import_official(checkpoint, options)
        save_atomically(target, lambda path: save_checkpoint(result.checkpoint, path))
    summary = _summary(result, checkpoint, target)
    _print(summary, options)
    if json_file is not None:
        write_json(json_file, {**summary, "meta": meta()})


def _require_one_of(option: str, value: object, known: Sequence[object]) -> None:
    if value not in known:
        listed = ", ".join(map(str, known))
        raise typer.BadParameter(f"{value} is not one of {listed}", param_hint=option)


def _target(output: Path | None, checkpoint: Path) -> Path:
    target = output_file(output, default=checkpoint.name.split(".")[0] + CHECKPOINT_SUFFIX)
    if target.suffix != CHECKPOINT_SUFFIX:
        raise ContractError(
            f"--output {target}: other commands know a checkpoint by its suffix: give a name that "
            f"ends in {CHECKPOINT_SUFFIX}"
        )
    if target.exists() and checkpoint.exists() and target.samefile(checkpoint):
        raise ContractError(f"--output {target}: is the file to import: choose another name")
    return target


def _summary(result: "OfficialImport", source: Path, target: Path) -> dict[str, Any]:
    from model.prune import weight_sparsity

    network = result.checkpoint.network
    return {
        "checkpoint": str(target),
        "source": str(source),
        "dialect": result.dialect.name,
        "config": network.config.model_dump(mode="json"),
        "pixel_mean": list(result.checkpoint.pixels.mean),
        "pixel_std": list(result.checkpoint.pixels.std),
        "weight_sparsity": float(weight_sparsity(network)),
        "skipped": list(result.skipped),
    }


def _print(summary: dict[str, Any], options: "ImportOptions") -> None:
    config = summary["config"]
    size = f"{config['image_size']}x{config['image_size']}x{config['in_channels']}"
    selectors = len(config["selector_blocks"])
    typer.echo(f"{summary['checkpoint']}: {summary['dialect']} kind, input {size}")
    typer.echo(f"blocks           {config['depth']}, D = {config['dim']}, {config['heads']} heads")
    typer.echo(f"time steps       {config['time_steps']}")
    typer.echo(f"classes          {config['classes']}")
    typer.echo(f"weight sparsity  {summary['weight_sparsity']:.2%}")
    typer.echo(f"token selectors  {selectors}, keep ratio {config['keep_ratio']:g}")
    if selectors and options.keep_ratio is None:
        typer.echo("                 every token is kept: give --keep-ratio to drop some")
    if config.get("varying_input"):
        typer.echo(
            "event frames     the engine takes still images: this network runs in float only"
        )
    kinds = Counter(_kind_of(name) for name in summary["skipped"])
    typer.echo(f"skipped          {len(summary['skipped'])} tensors that the network never uses:")
    for kind, count in kinds.items():
        typer.echo(f"                 {kind}" + (f" ({count})" if count > 1 else ""))


def _kind_of(name: str) -> str:
    """A tensor's name with every number and its last part left open."""
    if name.endswith(".num_batches_tracked"):
        return "*.num_batches_tracked"
    layer, dot, _ = re.sub(r"\.\d+\.", ".N.", name).rpartition(".")
    return f"{layer}.*" if dot else name
