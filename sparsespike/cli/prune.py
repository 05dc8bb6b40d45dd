"""`sparsespike prune`: from a dense network to a sparse one that drops tokens."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sparsespike.cli.meta import meta
from sparsespike.cli.options import JsonOption, decimal_number, whole_number
from sparsespike.cli.output import write_json
from sparsespike.cli.pruning import (
    copy_early_weights,
    dense_network,
    require_test_images,
    training_note,
)
from sparsespike.cli.pruning_controls import control_lines, require_controls, run_controls
from sparsespike.cli.train import CHECKPOINT
from sparsespike.cli.training import TrainingSession, training_session
from sparsespike.cli.training_options import (
    DEFAULT_RECIPE,
    Bf16Option,
    CompileOption,
    DeviceOption,
    MaxEpochsOption,
    OutOption,
    RecipeOption,
    SeedOption,
    TestImagesOption,
    ThreadsOption,
    TrainingDataOption,
    TrainingImagesOption,
    TrainingOptions,
)

if TYPE_CHECKING:
    from model.network import Spikformer
    from model.recipe import Recipe

REWINDS = ("weights", "rate")


def command(
    data: TrainingDataOption,
    out: OutOption,
    recipe: RecipeOption = DEFAULT_RECIPE,
    start: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Dense checkpoint. Default: the one in DIR."),
    ] = None,
    sparsity: Annotated[
        float | None,
        typer.Option(
            "--sparsity",
            parser=decimal_number,
            metavar="S",
            help="Zeros among all weights at the end, 0..1.",
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate",
            parser=decimal_number,
            metavar="R",
            help="Share of the weights that a round removes.",
        ),
    ] = None,
    rewind: Annotated[
        str | None,
        typer.Option(
            "--rewind", metavar="weights|rate", help="What goes back before a round is trained."
        ),
    ] = None,
    keep_ratio: Annotated[
        float | None,
        typer.Option(
            "--keep-ratio",
            parser=decimal_number,
            metavar="RHO",
            help="Share of tokens that a selector keeps.",
        ),
    ] = None,
    weight_bits: Annotated[
        int | None,
        typer.Option(
            "--weight-bits", metavar="4|6|8", parser=whole_number, help="Bits of a weight."
        ),
    ] = None,
    controls: Annotated[
        int,
        typer.Option(
            "--controls",
            metavar="N",
            parser=whole_number,
            help="Then compare ticket and selector with random ones, from N seeds each.",
        ),
    ] = 0,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
    bf16: Bf16Option = None,
    compiled: CompileOption = None,
    threads: ThreadsOption = None,
    images: TrainingImagesOption = None,
    max_epochs: MaxEpochsOption = None,
    test_images: TestImagesOption = None,
    json_file: JsonOption = None,
) -> None:
    """Prune a dense network in rounds and teach its token selectors; then quantise and measure it.

    Example: sparsespike prune --recipe nano --data cifar10/ --out build/nano
    """
    options = TrainingOptions(
        recipe=recipe,
        data=data,
        out=out,
        seed=seed,
        device=device,
        bf16=bf16,
        compiled=compiled,
        threads=threads,
        images=images,
        max_epochs=max_epochs,
        test_images=test_images,
        json_file=json_file,
    )
    options.check()
    if rewind is not None and rewind not in REWINDS:
        message = f"'{rewind}' is not one of {', '.join(REWINDS)}"
        raise typer.BadParameter(message, param_hint="--rewind")
    if controls < 0:
        raise typer.BadParameter(f"{controls} must be at least 0", param_hint="--controls")
    from model.overrides import Overrides
    from model.recipe import load_recipe

    overrides = Overrides(sparsity, rate, rewind, keep_ratio, weight_bits, max_epochs, images)
    chosen = overrides.apply(load_recipe(recipe))
    result = _result(options, chosen, start or out / CHECKPOINT, controls)
    _print(result, out)
    if json_file is not None:
        card = result["card"]
        hashes = meta(config_hash=chosen.hash(), network_hash=card["integer_sha256"], seed=seed)
        write_json(json_file, {**card, "controls": result["controls"], "meta": hashes})


def _result(options: TrainingOptions, recipe: "Recipe", source: Path, seeds: int) -> dict[str, Any]:
    """The result of this pruning, from its record where it is done, else by doing it."""
    from model.pipeline import sparse_stages
    from model.run_folder import RunFolder
    from model.run_identity import sparse_identity

    dense, pixels = dense_network(source, recipe)
    require_controls(recipe, seeds)
    require_test_images(options.data)
    identity = sparse_identity(
        recipe,
        seed=options.seed,
        images=options.images,
        bf16=options.machine().low_precision,
        dense=source,
    )
    folder = RunFolder(options.out, "prune", identity, "round*.pt")
    folder.check()
    earlier = folder.result()
    if earlier is not None and earlier["test_images"] != options.test_images:
        earlier = None
    if earlier is not None and len({row["seed"] for row in earlier["controls"]}) >= seeds:
        typer.echo(f"{options.out}: finished before, nothing to do", err=True)
        return earlier
    with training_session(options, recipe, folder, sparse_stages(recipe), pixels) as session:
        copy_early_weights(source, options.out)
        result = earlier or {
            "card": _prune(session, dense),
            "controls": [],
            "test_images": options.test_images,
        }
        folder.finish(result)
        if seeds:
            result["controls"] = run_controls(session, dense, seeds)
            folder.finish(result)
    return result


def _prune(session: TrainingSession, dense: "Spikformer") -> dict[str, Any]:
    """Train the sparse network, write it and its integer network; returns its card."""
    from model.checkpoint import Checkpoint
    from model.pipeline import train_sparse
    from model.publish import publish

    run = session.run
    network = train_sparse(run, dense)
    return publish(
        Checkpoint(network, run.pixels),
        run.recipe.name,
        run.folder,
        session.require_test(),
        seed=run.seed,
        note=training_note(run.recipe, len(run.data.images)),
        progress=session.show("test of the integer network"),
    )


def _print(result: dict[str, Any], folder: Path) -> None:
    card = result["card"]
    bits = next(iter(card["accuracy_by_bits"]))
    typer.echo(f"{folder / card['name']}.safetensors, .int{bits}.npz and .json")
    typer.echo(f"images            {card['images']:,}")
    typer.echo(f"accuracy float    {card['accuracy_float']:.2%}")
    typer.echo(f"accuracy integer  {card['accuracy_integer']:.2%}")
    typer.echo(f"weight sparsity   {card['weight_sparsity']:.2%}")
    typer.echo(f"keep ratio        {card['keep_ratio']:g}")
    for line in control_lines(result["controls"]):
        typer.echo(line)
