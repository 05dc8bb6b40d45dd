"""`sparsespike quantize`: a float checkpoint becomes an integer network."""

from pathlib import Path
from typing import Annotated

import typer

from sparsespike.cli.inputs import checkpoint_file, quantize_checkpoint
from sparsespike.cli.meta import meta
from sparsespike.cli.options import DEFAULT_NETWORK, JsonOption, whole_number
from sparsespike.cli.output import output_file, require_writable_file, write_json
from sparsespike.cli.progress import progress
from sparsespike.contract.files import save_atomically
from sparsespike.contract.network import WEIGHT_BITS


def command(
    checkpoint: Annotated[
        str, typer.Argument(metavar="[NAME|CHECKPOINT]", help="Network of the zoo, or a file.")
    ] = DEFAULT_NETWORK,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Integer network. Default: in build/."),
    ] = None,
    weight_bits: Annotated[
        int,
        typer.Option(
            "--weight-bits", metavar="4|6|8", parser=whole_number, help="Bits of a weight."
        ),
    ] = 8,
    json_file: JsonOption = None,
) -> None:
    """Quantise a float checkpoint: the integer network is what the hardware computes, exactly.

    Example: sparsespike quantize nano --weight-bits 8 -o nano.npz
    """
    if weight_bits not in WEIGHT_BITS:
        raise typer.BadParameter(f"{weight_bits} is not one of 4, 6, 8", param_hint="--weight-bits")
    if json_file is not None:
        require_writable_file(json_file, option="--json")
    target = output_file(output, default=f"{Path(checkpoint).stem}-w{weight_bits}.npz")
    source = checkpoint_file(checkpoint)
    with progress("quantize"):
        net = quantize_checkpoint(source, weight_bits)
    save_atomically(target, net.save)
    sparsity = float(net.weight_sparsity())
    typer.echo(f"{target}: {len(net.layers)} layers, {sparsity:.2%} of the weights are zero")
    if json_file is not None:
        result = {
            "network": str(target),
            "layers": [layer.name for layer in net.layers],
            "weight_bits": weight_bits,
            "weight_sparsity": sparsity,
        }
        write_json(json_file, {**result, "meta": meta(network_hash=net.content_hash())})
