"""What `prune` starts from, and what it says of how a network came about."""

from pathlib import Path
from typing import TYPE_CHECKING

from sparsespike.contract.errors import ContractError
from sparsespike.contract.files import write_atomically

if TYPE_CHECKING:
    from model.network import Spikformer
    from model.pixels import PixelScale
    from model.recipe import Cycle, Recipe


def dense_network(source: Path, recipe: "Recipe") -> "tuple[Spikformer, PixelScale]":
    """The checkpoint in the file `source` as the recipe's network, and its pixel scale.

    ContractError unless it is that network; keep ratio and weight bits may differ.
    """
    from model.checkpoint import load_checkpoint
    from model.network import Spikformer

    if not source.is_file():
        raise ContractError(
            f"{source}: no dense network; use `sparsespike train` first, or --from FILE"
        )
    checkpoint = load_checkpoint(source)
    given, wanted = checkpoint.network.config.model_dump(), recipe.network.model_dump()
    for field, value in wanted.items():
        if field not in ("keep_ratio", "weight_bits") and given.get(field) != value:
            raise ContractError(
                f"{source}: its {field} is {given.get(field)}, recipe {recipe.name} has {value}; "
                "use the recipe that it was trained by"
            )
    network = Spikformer(recipe.network)
    network.load_state_dict(checkpoint.network.state_dict())
    return network.eval(), checkpoint.pixels


def copy_early_weights(source: Path, folder: Path) -> None:
    """Bring the early weights that lie beside the checkpoint `source` into `folder`."""
    from model.pipeline import EARLY

    early = source.parent / EARLY
    if early.is_file() and early.resolve() != (folder / EARLY).resolve():
        write_atomically(folder / EARLY, early.read_bytes())


def require_test_images(data: Path) -> None:
    """ContractError unless the data set has test images of its own."""
    from model.data import has_split

    if not has_split(data, "test"):
        raise ContractError(
            f"--data {data}: has no test images apart; use a folder with both parts, such as "
            "train.parquet and test.parquet, or train.npz and test.npz"
        )


def training_note(recipe: "Recipe", images: int) -> str:
    """How the network of a recipe is trained, in a sentence."""
    from model.pipeline import sparse_stages

    dense = " + ".join(_cycle(cycle) for cycle in recipe.dense)
    rounds = sum(name.startswith("round") for name in sparse_stages(recipe))
    prune = recipe.prune
    parts = [
        f"dense {dense}",
        f"{rounds} rounds of {_cycle(prune.cycle)} to {prune.sparsity:.1%}, rewinding the "
        f"{'weights' if prune.rewind == 'weights' else 'learning rate'}",
    ]
    named = {
        "settling": prune.settle,
        "selectors": recipe.select,
        "with tokens dropped": recipe.finish,
        "with rounded weights": recipe.tune,
    }
    parts += [f"{what} {_cycle(cycle)}" for what, cycle in named.items() if cycle is not None]
    return f"{'; '.join(parts)}; {images} training images; recipe {recipe.name} {recipe.hash()}"


def _cycle(cycle: "Cycle") -> str:
    steps = "" if cycle.time_steps is None else f" at T = {cycle.time_steps}"
    return f"{cycle.epochs} epoch{'s' * (cycle.epochs > 1)}{steps}"
