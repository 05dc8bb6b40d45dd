"""Control arms: equal but for what they compare, and repeatable."""

import pytest
import torch

from model.controls import RandomPredictor, compare_masks, compare_tokens, shuffled
from model.pipeline import teach_selectors, train_dense
from model.prune import magnitude_masks
from sparsespike.contract.errors import ContractError
from tests.model.tiny_training import dark_and_bright, make_run

TEST = dark_and_bright(32, seed=1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run, its dense network, the network whose selectors have learnt, and its masks."""
    run = make_run(tmp_path_factory.mktemp("trained"))
    dense = train_dense(run)
    return run, dense, *teach_selectors(run, dense)


def test_shuffled_masks_keep_the_counts(trained):
    masks = magnitude_masks(trained[1], 0.8)
    mixed = shuffled(masks, 0)
    assert mixed.keys() == masks.keys()
    for name, mask in masks.items():
        assert mixed[name].shape == mask.shape
        assert mixed[name].sum() == mask.sum()
    assert any(not torch.equal(mask, mixed[name]) for name, mask in masks.items())
    again, other = shuffled(dict(reversed(masks.items())), 0), shuffled(masks, 1)
    assert all(torch.equal(mixed[name], again[name]) for name in masks)
    assert any(not torch.equal(mixed[name], other[name]) for name in masks)


def _weights(run, name):
    state = torch.load(run.folder / f"{name}.pt", weights_only=True)
    return torch.cat([t.flatten() for n, t in state["network"].items() if n.endswith("weight")])


def test_masks_arms(trained):
    run, dense, *_ = trained
    results = list(compare_masks(run, dense, TEST, 2))
    arms = ["ticket", "one-shot", "random masks"]
    assert [(r.arm, r.seed) for r in results] == [(arm, seed) for seed in (0, 1) for arm in arms]
    assert all(0 <= r.accuracy <= 1 for r in results)
    assert {(r.epochs, r.time_steps) for r in results} == {(1, 1)}
    names = [f"control-{arm.replace(' ', '-')}-{seed}" for seed in (0, 1) for arm in arms]
    weights = [_weights(run, name) for name in names]
    nonzero = {int(w.count_nonzero()) for w in weights}
    assert max(nonzero) - min(nonzero) <= 2
    for one in range(len(weights)):
        for other in range(one):
            assert not torch.equal(weights[one], weights[other]), (names[one], names[other])

    for name in names:
        (run.folder / f"{name}.pt").unlink()
    known = {(r.arm, r.seed) for r in results[:5]}
    (last,) = compare_masks(run, dense, TEST, 2, known)
    assert last == results[-1]
    assert torch.equal(_weights(run, names[-1]), weights[-1])


def test_tokens_arms(trained):
    run, _, network, masks = trained
    results = list(compare_tokens(run, network, masks, TEST, 1))
    assert [r.arm for r in results] == ["selector", "random tokens"]
    assert results == list(compare_tokens(run, network, masks, TEST, 1))
    assert not list(compare_tokens(run, network, masks, TEST, 1, {(r.arm, 0) for r in results}))


def test_random_scores_follow_the_seed():
    x, scores = torch.zeros(2, 3, 16, 4), []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        scores.append(RandomPredictor()(x))
    assert scores[0].shape == (3, 16, 2)
    assert torch.equal(scores[0], scores[1])
    assert not torch.equal(scores[0], scores[2])


def test_a_recipe_without_controls_is_refused(trained, tmp_path):
    run, dense, *_ = trained
    bare = make_run(tmp_path, images=16)
    bare = type(run)(
        run.recipe.model_copy(update={"controls": None}), bare.data, bare.pixels, bare.folder
    )
    with pytest.raises(ContractError, match=r"small: has no \[controls\]; add"):
        next(compare_masks(bare, dense, TEST, 1))
