"""Stages: what they leave, that a stop and a kill change nothing, fewer time steps."""

import copy
import math
from dataclasses import replace

import pytest
import torch

from model import stages
from model.controls import RandomPredictor
from model.data import ImageSet
from model.network import Spikformer
from model.neuron import lif
from model.overrides import Overrides
from model.pipeline import (
    EARLY,
    TICKET,
    dense_stages,
    measured_selection,
    sparse_stages,
    train_dense,
    train_sparse,
)
from model.pixels import CIFAR_PIXELS
from model.prune import weight_sparsity
from model.recipe import Cycle, load_recipe
from model.snapshot import load_snapshot
from model.stages import Run, retimed
from sparsespike.contract.errors import ContractError
from tests.model.tiny_training import EPOCHS, STAGES, dark_and_bright, make_run


def make_network(run: Run) -> Spikformer:
    torch.manual_seed(3)
    return Spikformer(run.recipe.network)


def assert_same(one: Spikformer, other: Spikformer) -> None:
    for name, tensor in one.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(tensor, other.state_dict()[name]), name


def test_all_stages_run_once_in_order_and_leave_their_files(tmp_path):
    seen = []
    run = make_run(tmp_path, report=lambda stage, result, _: seen.append((stage, result.epoch)))
    sparse = train_sparse(run, train_dense(run))
    assert seen == [(s, e) for s, n in zip(STAGES, EPOCHS, strict=True) for e in range(n)]
    assert (*dense_stages(run.recipe), *sparse_stages(run.recipe)) == STAGES
    assert {file.name for file in run.folder.iterdir()} == {
        EARLY,
        TICKET,
        *(f"{stage}.pt" for stage in STAGES),
    }
    assert 0.7 <= weight_sparsity(sparse) < 0.72
    assert not sparse.training


def test_a_finished_run_is_read_back_without_training(tmp_path):
    run = make_run(tmp_path)
    first = train_sparse(run, train_dense(run))
    earlier = []
    again = make_run(
        tmp_path,
        report=lambda _stage, result, _network: earlier.append(result.earlier),
        progress=lambda *_: pytest.fail("a step was made"),
    )
    assert_same(first, train_sparse(again, train_dense(again)))
    assert earlier == [True] * sum(EPOCHS)


@pytest.mark.parametrize("stop_at", [1, 4, 6, 8])
def test_a_stop_at_any_step_changes_nothing(tmp_path, stop_at):
    """64 images in batches of 16: steps 4 and 8 end an epoch, 8 the stage."""
    results = {"whole": [], "stopped": [], "resumed": []}

    def run_named(folder: str, key: str) -> Run:
        (tmp_path / folder).mkdir(exist_ok=True)
        return make_run(
            tmp_path / folder, report=lambda _stage, result, _network: results[key].append(result)
        )

    cycle = Cycle(epochs=2, rate=5e-3, time_steps=1)
    whole = run_named("a", "whole")
    expected = make_network(whole)
    whole.stage("s", expected, cycle)

    stopped = run_named("b", "stopped")

    def stop(_stage: str, done: int, _total: int) -> None:
        stopped.interrupt.requested = done == stop_at

    with pytest.raises(KeyboardInterrupt):
        replace(stopped, progress=stop).stage("s", make_network(stopped), cycle)
    assert load_snapshot(stopped.folder / "s.pt")["step"] == stop_at

    resumed = run_named("b", "resumed")
    network = make_network(resumed)
    resumed.stage("s", network, cycle)
    assert_same(expected, network)
    for one, other in zip(results["whole"], results["resumed"], strict=True):
        assert (one.epoch, one.loss, one.accuracy) == (other.epoch, other.loss, other.accuracy)
    assert [result.earlier for result in results["resumed"]] == [
        4 * (epoch + 1) <= stop_at for epoch in range(2)
    ]


def test_measuring_between_epochs_does_not_disturb_training(tmp_path):
    weights = []
    for index, report in enumerate((None, lambda _stage, _result, network: network.eval())):
        (tmp_path / str(index)).mkdir()
        run = make_run(tmp_path / str(index), report=report)
        network = make_network(run)
        run.stage("s", network, Cycle(epochs=2, rate=5e-3))
        weights.append(network)
    assert_same(*weights)


@pytest.mark.parametrize("seeds", [(1, 3), (0, 2), (5, 2047)])
def test_runs_of_different_seeds_draw_differently(tmp_path, seeds):
    networks = []
    for seed in seeds:
        (tmp_path / str(seed)).mkdir()
        run = make_run(tmp_path / str(seed), seed=seed, images=32)
        networks.append(make_network(run))
        # Two stages of like parity: a generator on the CPU sees the lowest 32 bits of a seed.
        names = (f"s{index}" for index in range(100))
        name = next(n for n in names if all(stages._stage_seed(s, n) % 2 for s in seeds))
        run.stage(name, networks[-1], Cycle(epochs=1, rate=5e-3))
    weight = [network.head.weight for network in networks]
    assert not torch.equal(*weight)


def test_early_weights_fit_the_full_time_steps(tmp_path):
    run = make_run(tmp_path)
    network = make_network(run)
    before = copy.deepcopy(network)
    early = tmp_path / EARLY
    run.stage("s", network, Cycle(epochs=1, rate=5e-3, time_steps=1), keep=(0, early))
    for name, tensor in load_snapshot(early).items():
        torch.testing.assert_close(tensor, before.state_dict()[name])


def test_a_rewind_epoch_after_the_last_dense_cycle_is_refused(tmp_path):
    run = make_run(tmp_path)
    prune = run.recipe.prune.model_copy(update={"rewind_epoch": 2})
    recipe = run.recipe.model_copy(update={"prune": prune})
    with pytest.raises(ContractError, match="rewind_epoch is 2, but the last dense cycle has 2"):
        train_dense(replace(run, recipe=recipe))


def test_pruning_needs_early_weights(tmp_path):
    run = make_run(tmp_path)
    with pytest.raises(ContractError, match=r"early\.pt: no early weights"):
        train_sparse(run, make_network(run))


def test_fewer_images_than_a_batch_are_refused(tmp_path):
    run = make_run(tmp_path, images=15)
    with pytest.raises(ContractError, match="15 images are less than one batch of 16"):
        run.stage("s", make_network(run), Cycle(epochs=1, rate=1e-3))


def test_measured_selection():
    assert [measured_selection(stage) for stage in STAGES] == ["all"] * 5 + ["top"] * 3


@pytest.mark.parametrize("steps", [1, 2, 3, 8])
def test_a_retimed_neuron_fires_on_the_same_least_current(steps):
    full, factor = 4, (1 - 0.5**4) / (1 - 0.5**steps)
    least = 1 / (1 - 0.5**full)
    for current, fires in ((least * 1.001, True), (least * 0.999, False), (0.5, False)):
        constant = torch.tensor([current], dtype=torch.float64)
        assert bool(lif(constant.expand(full, 1)).any()) == fires
        assert bool(lif((factor * constant).expand(steps, 1)).any()) == fires


def test_retimed_scales_every_current(tmp_path):
    network = make_network(make_run(tmp_path)).eval()
    fewer = retimed(network, 1).eval()
    factor = (1 - 0.5**2) / (1 - 0.5)
    assert fewer.config.time_steps == 1
    assert fewer.config.attention_scale == network.config.attention_scale * factor
    x = torch.randn(2, 16, 3, 3)
    torch.testing.assert_close(fewer.patch_embed.rpe_bn(x), factor * network.patch_embed.rpe_bn(x))
    back = retimed(fewer, 2)
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(back.state_dict()[name], tensor)
    assert_same(retimed(network, 2), network)


def test_a_network_with_another_predictor_can_be_retimed(tmp_path):
    network = make_network(make_run(tmp_path))
    network.predictor = torch.nn.ModuleList([RandomPredictor()])
    assert isinstance(retimed(network, 1).predictor[0], RandomPredictor)


def test_one_step_of_the_largest_preset(tmp_path):
    recipe = Overrides(max_epochs=1, images=4).apply(load_recipe("spikformer-4-384"))
    assert recipe.training.batch == 4
    small = dark_and_bright(4)
    images = small.images.repeat(4, axis=1).repeat(4, axis=2)
    losses = []
    run = Run(
        recipe,
        ImageSet(images, small.labels),
        CIFAR_PIXELS,
        tmp_path,
        report=lambda _stage, result, _network: losses.append(result.loss),
    )
    network = Spikformer(recipe.network)
    before = network.head.weight.detach().clone()
    run.stage("dense0", network, recipe.dense[0], keep=(0, tmp_path / EARLY))
    assert len(losses) == 1
    assert math.isfinite(losses[0])
    assert load_snapshot(tmp_path / "dense0.pt")["step"] == 1
    assert not torch.equal(before, network.head.weight)
