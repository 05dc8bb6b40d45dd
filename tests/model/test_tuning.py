"""The last cycle goes through the quantiser and leaves nothing to round."""

import copy
from dataclasses import replace

import pytest
import torch

from model.fake_quant import rounded_weights
from model.pipeline import train_dense, train_sparse
from model.prune import weight_sparsity
from model.recipe import Recipe
from tests.model.tiny_training import make_run


def test_a_tuned_network_has_nothing_left_to_round(tmp_path):
    run = make_run(tmp_path)
    config = run.recipe.network.model_copy(update={"weight_bits": 4})
    run = replace(run, recipe=run.recipe.model_copy(update={"network": config}))
    network = train_sparse(run, train_dense(run))
    assert weight_sparsity(network) >= 0.7
    again = copy.deepcopy(network)
    with rounded_weights(again, run.pixels):
        pass
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], tensor, rtol=1e-5, atol=1e-7)


def test_tuning_with_fewer_steps_is_refused(tmp_path):
    values = make_run(tmp_path).recipe.model_dump()
    values["tune"]["time_steps"] = 1
    with pytest.raises(ValueError, match="leave time_steps out"):
        Recipe.model_validate(values)
