"""Values of a recipe that the command line replaces."""

import pytest

from model.overrides import Overrides
from model.recipe import load_recipe
from sparsespike.contract.errors import ContractError
from tests.model.tiny_training import make_recipe


def test_nothing_asked_changes_nothing(tmp_path):
    recipe = make_recipe(tmp_path)
    assert Overrides().apply(recipe) == recipe
    assert Overrides().apply(recipe).hash() == recipe.hash()


def test_pruning_and_tokens():
    recipe = Overrides(sparsity=0.5, rate=0.1, rewind="weights", keep_ratio=0.4).apply(
        load_recipe("nano")
    )
    prune = recipe.prune
    assert (prune.sparsity, prune.rate, prune.rewind) == (0.5, 0.1, "weights")
    assert recipe.network.keep_ratio == 0.4
    assert recipe.dense == load_recipe("nano").dense


def test_a_trial_has_short_cycles_and_small_batches():
    recipe = Overrides(max_epochs=2, images=100).apply(load_recipe("spikformer-4-256"))
    cycles = [*recipe.dense, recipe.prune.cycle, recipe.select, recipe.finish]
    cycles += [recipe.controls.ticket, recipe.controls.tokens]
    assert [cycle.epochs for cycle in cycles] == [2] * 6
    assert recipe.prune.cycle.rate == 5e-4
    assert Overrides(max_epochs=1).apply(load_recipe("nano")).prune.settle.epochs == 1
    assert recipe.training.batch == 100
    assert Overrides(images=1000).apply(load_recipe("nano")).training.batch == 128


@pytest.mark.parametrize("epochs, rewind_epoch", [(1, 0), (2, 1), (9, 5), (50, 5)])
def test_the_epoch_to_rewind_to_stays_within_the_dense_training(epochs, rewind_epoch):
    recipe = Overrides(max_epochs=epochs).apply(load_recipe("spikformer-4-384"))
    assert recipe.prune.rewind_epoch == min(rewind_epoch, epochs - 1)
    assert recipe.prune.rewind_epoch < recipe.dense[-1].epochs


def test_a_recipe_without_the_last_stages_can_be_shortened(tmp_path):
    recipe = make_recipe(tmp_path)
    prune = recipe.prune.model_copy(update={"settle": None})
    none = {"prune": prune, "select": None, "finish": None, "controls": None}
    short = Overrides(max_epochs=1).apply(recipe.model_copy(update=none))
    assert (short.select, short.finish, short.controls) == (None, None, None)
    assert short.prune.settle is None


@pytest.mark.parametrize(
    "overrides, words",
    [
        (Overrides(sparsity=1.0), ["--sparsity 1.0", "less than 1"]),
        (Overrides(rate=0.0), ["--rate 0.0", "greater than 0"]),
        (Overrides(keep_ratio=1.5), ["--keep-ratio 1.5", "less than or equal to 1"]),
        (Overrides(rewind="all"), ["--rewind all", "'weights'"]),
        (Overrides(max_epochs=0), ["--max-epochs 0", "at least 1"]),
    ],
)
def test_a_wrong_value_names_its_option(overrides, words):
    with pytest.raises(ContractError) as error:
        overrides.apply(load_recipe("nano"))
    for word in words:
        assert word in str(error.value)
