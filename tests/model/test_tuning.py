"""Fine-tuning through the quantiser: only where rounding costs accuracy, and then to the end."""

import copy
from dataclasses import replace

import pytest
import torch

from model import pipeline, tuning
from model.fake_quant import rounded_weights
from model.pipeline import train_dense, train_sparse
from model.prune import weight_sparsity
from model.recipe import Cycle, Recipe
from model.snapshot import load_snapshot
from model.tuning import rounding_cost
from tests.model.tiny_training import STAGES, make_run


def coarse(folder, **fields):
    """A run of the tiny recipe with 4 bit weights and a cycle to tune them."""
    run = make_run(folder, **fields)
    network = run.recipe.network.model_copy(update={"weight_bits": 4})
    changes = {"network": network, "tune": Cycle(epochs=1, rate=1e-3)}
    return replace(run, recipe=run.recipe.model_copy(update=changes))


def stages_of(tmp_path, **fields) -> list[str]:
    seen: list[str] = []
    run = coarse(tmp_path, report=lambda stage, *_: seen.append(stage), **fields)
    train_sparse(run, train_dense(run))
    return seen


def test_a_network_that_loses_nothing_is_not_tuned(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "rounding_cost", lambda *_: tuning.COST_LIMIT)
    assert "tune" not in stages_of(tmp_path)


def test_a_tuned_network_has_nothing_left_to_round(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "rounding_cost", lambda *_: tuning.COST_LIMIT + 1e-6)
    seen: list[str] = []
    run = coarse(tmp_path, report=lambda stage, *_: seen.append(stage))
    network = train_sparse(run, train_dense(run))
    assert seen[-1] == "tune"
    assert set(seen) == {*STAGES, "tune"}
    assert weight_sparsity(network) >= 0.7
    again = copy.deepcopy(network)
    with rounded_weights(again, run.pixels):
        pass
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], tensor, rtol=1e-5, atol=1e-7)
    resumed = train_sparse(run, train_dense(run))
    for name, tensor in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(resumed.state_dict()[name], tensor), name
    assert load_snapshot(run.folder / "tune.pt") is not None


def test_the_cost_is_the_loss_of_right_answers(tmp_path, monkeypatch):
    run = coarse(tmp_path)
    network = train_dense(run)
    accuracies = iter((0.75, 0.5))
    sizes = []

    def measured(_network, _pixels, images):
        sizes.append(len(images.images))
        return next(accuracies)

    monkeypatch.setattr(tuning, "evaluate_float", measured)
    before = copy.deepcopy(network.state_dict())
    assert rounding_cost(run, network) == 0.25
    assert sizes == [64, 64]
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())


def test_tuning_with_fewer_steps_is_refused(tmp_path):
    values = make_run(tmp_path).recipe.model_dump()
    values["tune"] = {"epochs": 1, "rate": 1e-3, "time_steps": 1}
    with pytest.raises(ValueError, match="leave time_steps out"):
        Recipe.model_validate(values)
