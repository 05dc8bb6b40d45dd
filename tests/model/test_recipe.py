"""Recipes: the presets, and how a wrong file is refused."""

import pytest

from model.pipeline import sparse_stages
from model.recipe import load_recipe, recipe_names
from sparsespike.contract.errors import ContractError
from tests.model.tiny_training import RECIPE, write_recipe


def test_every_preset_is_valid_and_has_its_own_hash():
    recipes = [load_recipe(name) for name in recipe_names()]
    assert [recipe.name for recipe in recipes] == list(recipe_names())
    assert len({recipe.hash() for recipe in recipes}) == len(recipes)
    for recipe in recipes:
        assert recipe.prune.rewind_epoch < recipe.dense[-1].epochs
        assert recipe.controls is not None


@pytest.mark.parametrize("dim, heads", [(256, 8), (384, 12)])
@pytest.mark.parametrize("suffix, classes", [("", 10), ("-cifar100", 100)])
def test_presets_of_the_paper(dim, heads, suffix, classes):
    recipe = load_recipe(f"spikformer-4-{dim}{suffix}")
    network = recipe.network
    assert (network.time_steps, network.depth, network.dim) == (4, 4, dim)
    assert (network.heads, network.classes, network.image_size) == (heads, classes, 32)
    assert network.dim // network.heads == 32
    assert network.selector_blocks == (1, 2, 3)
    assert network.kept_tokens() == (64, 44, 31, 21)
    assert (recipe.prune.rate, recipe.prune.rewind) == (0.25, "weights")
    assert sum(name.startswith("round") for name in sparse_stages(recipe)) == 8


def test_a_file_is_named_after_its_stem(tmp_path):
    one, other = (load_recipe(write_recipe(tmp_path, name)) for name in ("a", "b"))
    assert (one.name, other.name) == ("a", "b")
    assert one.hash() != other.hash()
    assert one.model_copy(update={"name": "b"}) == other


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("batch = 16", "batch = 0", ["training.batch", "greater than or equal to 1"]),
        ("batch = 16", "batches = 16", ["training.batches", "Extra inputs"]),
        ("sparsity = 0.7", "sparsity = 1.0", ["prune.sparsity", "less than 1"]),
        ("heads = 2", "heads = 3", ["network", "heads must divide dim"]),
        ("mixup = 0.1", 'augment = "huge"', ["training.augment", "'light'"]),
        ("[prune]", "[prune", ["not TOML"]),
    ],
)
def test_a_wrong_field_is_named(tmp_path, old, new, words):
    path = tmp_path / "bad.toml"
    path.write_text(RECIPE.replace(old, new))
    with pytest.raises(ContractError) as error:
        load_recipe(path)
    for word in (str(path), "correct", *words):
        assert word in str(error.value)


def test_an_unknown_name_lists_the_presets():
    with pytest.raises(ContractError, match="neither shipped nor a file; recipes: nano, spik"):
        load_recipe("nanoo")
