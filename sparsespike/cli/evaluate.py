"""`sparsespike evaluate`: accuracy of the float and the integer network on labelled images."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sparsespike.cli.inputs import find_checkpoint, load_images, load_network
from sparsespike.cli.meta import meta
from sparsespike.cli.options import (
    DEFAULT_NETWORK,
    DataOption,
    ImagesOption,
    JsonOption,
    NetworkOption,
)
from sparsespike.cli.output import require_writable_file, write_json
from sparsespike.cli.progress import progress

if TYPE_CHECKING:
    from model.data import ImageSet


def command(
    network: NetworkOption = DEFAULT_NETWORK,
    data: DataOption = None,
    images: ImagesOption = None,
    json_file: JsonOption = None,
) -> None:
    """Measure the accuracy of the float and of the integer network, and the integer one's work.

    Example: sparsespike evaluate --network nano --images 256
    """
    if json_file is not None:
        require_writable_file(json_file, option="--json")
    net = load_network(network)
    chosen = load_images(data, images, net.config)
    checkpoint = find_checkpoint(network)
    from model.evaluate import evaluate_integer

    total = len(chosen.images)
    with progress("evaluate: integer network", total=total) as advance:
        score = evaluate_integer(net, chosen, progress=advance)
    result = {
        "accuracy_float": None,
        "accuracy_integer": score.accuracy,
        "images": total,
        "weight_sparsity": float(net.weight_sparsity()),
        "keep_ratio": net.config.keep_ratio,
        "synops_per_image": score.synops_per_image,
        "macs_per_image": score.macs_per_image,
    }
    if checkpoint is not None:
        result |= _float_result(checkpoint, chosen)
    _print(result)
    if json_file is not None:
        write_json(json_file, {**result, "meta": meta(network_hash=net.content_hash())})


def _float_result(checkpoint: Path, images: "ImageSet") -> dict[str, Any]:
    from model.checkpoint import load_checkpoint
    from model.evaluate import evaluate_float
    from model.prune import weight_sparsity

    loaded = load_checkpoint(checkpoint)
    with progress("evaluate: float network", total=len(images.images)) as advance:
        accuracy = evaluate_float(loaded.network, loaded.pixels, images, progress=advance)
    return {"accuracy_float": accuracy, "weight_sparsity": float(weight_sparsity(loaded.network))}


def _print(result: dict[str, Any]) -> None:
    accuracy = result["accuracy_float"]
    float_text = "no float checkpoint" if accuracy is None else f"{accuracy:.2%}"
    typer.echo(f"images            {result['images']:,}")
    typer.echo(f"accuracy float    {float_text}")
    typer.echo(f"accuracy integer  {result['accuracy_integer']:.2%}")
    typer.echo(f"weight sparsity   {result['weight_sparsity']:.2%}")
    typer.echo(f"keep ratio        {result['keep_ratio']:g}")
    typer.echo(f"per image         {result['synops_per_image']:,.0f} accumulates")
    typer.echo(f"                  {result['macs_per_image']:,.0f} multiply-accumulates")
