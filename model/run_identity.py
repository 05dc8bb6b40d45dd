"""What two runs must share for one to go on where the other stopped."""

import hashlib
import json
from pathlib import Path

from model.recipe import Recipe
from model.run_folder import Identity


def dense_identity(recipe: Recipe, *, seed: int, images: int | None, bf16: bool) -> Identity:
    """Identity of a dense training on the first `images` training images, None: on all.

    One dense network serves many ways of pruning it: only what it depends on counts.
    """
    fields = {"network", "training", "dense"}
    values = recipe.model_dump(mode="json", include=fields)
    values["rewind_epoch"] = recipe.prune.rewind_epoch
    return {
        "recipe": _hash(json.dumps(values, sort_keys=True).encode()),
        **_common(seed, images, bf16),
    }


def sparse_identity(
    recipe: Recipe, *, seed: int, images: int | None, bf16: bool, dense: Path
) -> Identity:
    """Identity of a pruning that starts from the checkpoint in the file `dense`."""
    return {
        "recipe": recipe.hash(),
        **_common(seed, images, bf16),
        "dense network": _hash(dense.read_bytes()),
    }


def _common(seed: int, images: int | None, bf16: bool) -> Identity:
    return {"seed": seed, "images": "all" if images is None else images, "bf16": bf16}


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
