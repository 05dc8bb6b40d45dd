"""`sparsespike train`: the dense network of a recipe."""

from typing import TYPE_CHECKING, Any

import typer

from sparsespike.cli.meta import meta
from sparsespike.cli.options import JsonOption
from sparsespike.cli.output import write_json
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
from sparsespike.contract.files import save_atomically

if TYPE_CHECKING:
    from model.recipe import Recipe

CHECKPOINT = "dense.safetensors"


def command(
    data: TrainingDataOption,
    out: OutOption,
    recipe: RecipeOption = DEFAULT_RECIPE,
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
    """Train the dense network of a recipe. Interrupted, the same command goes on.

    Example: sparsespike train --recipe nano --data cifar10/ --out build/nano
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
    from model.overrides import Overrides
    from model.recipe import load_recipe

    chosen = Overrides(max_epochs=max_epochs, images=images).apply(load_recipe(recipe))
    result = _result(options, chosen)
    _print(result)
    if json_file is not None:
        write_json(json_file, {**result, "meta": meta(config_hash=chosen.hash(), seed=seed)})


def _result(options: TrainingOptions, recipe: "Recipe") -> dict[str, Any]:
    """The result of this training, from its record where it is done, else by doing it."""
    from model.pipeline import dense_stages
    from model.pixels import CIFAR_PIXELS
    from model.run_folder import RunFolder
    from model.run_identity import dense_identity

    bf16 = options.machine().low_precision
    identity = dense_identity(recipe, seed=options.seed, images=options.images, bf16=bf16)
    folder = RunFolder(options.out, "train", identity, "dense*.pt")
    folder.check()
    earlier = folder.result()
    if earlier is not None and (options.out / CHECKPOINT).exists():
        typer.echo(f"{options.out}: finished before, nothing to do", err=True)
        return earlier
    stages = dense_stages(recipe)
    with training_session(options, recipe, folder, stages, CIFAR_PIXELS) as session:
        result = _train(session)
        folder.finish(result)
    return result


def _train(session: TrainingSession) -> dict[str, Any]:
    from model.checkpoint import Checkpoint, save_checkpoint
    from model.epoch_measure import accuracy_on_device, as_selected
    from model.pipeline import train_dense

    run, test = session.run, session.test
    network = train_dense(run)
    accuracy = None
    if test is not None:
        whole = as_selected(network, "all")
        show = session.show("test")
        accuracy = accuracy_on_device(whole, run.pixels, test, run.machine.device, show)
    path = run.folder / CHECKPOINT
    save_atomically(path, lambda part: save_checkpoint(Checkpoint(network, run.pixels), part))
    return {
        "recipe": run.recipe.name,
        "checkpoint": str(path),
        "accuracy_test": accuracy,
        "test_images": 0 if test is None else len(test.images),
        "training_images": len(run.data.images),
    }


def _print(result: dict[str, Any]) -> None:
    accuracy = result["accuracy_test"]
    measured = "no test images" if accuracy is None else f"{accuracy:.2%} of "
    images = "" if accuracy is None else f"{result['test_images']:,} test images"
    typer.echo(f"{result['checkpoint']}: {measured}{images}")
