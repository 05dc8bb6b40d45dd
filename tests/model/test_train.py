"""Training and pruning on a handful of images."""

import numpy as np
import pytest
import torch

from model.data import ImageSet
from model.network import Spikformer
from model.pixels import CIFAR_PIXELS
from model.prune import (
    PruneConfig,
    density_by_tensor,
    lamp,
    lottery_ticket,
    magnitude_masks,
    weight_sparsity,
)
from model.recalibrate import recalibrate
from model.train import EpochResult, TrainConfig, hold_zeros, train
from sparsespike.contract.network import NetworkConfig

CONFIG = NetworkConfig(
    time_steps=2,
    image_size=8,
    dim=16,
    depth=1,
    heads=2,
    selector_blocks=(0,),
    keep_ratio=0.7,
    classes=2,
    stem_pools=(False, False, False, True),
)


def two_classes(count: int = 64) -> ImageSet:
    """Dark against bright images."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, count)
    images = rng.integers(0, 120, (count, 8, 8, 3)) + 120 * labels[:, None, None, None]
    return ImageSet(images.astype(np.uint8), labels)


def make() -> Spikformer:
    torch.manual_seed(0)
    return Spikformer(CONFIG)


@pytest.mark.parametrize("selection", ["all", "sample", "top"])
def test_training_learns(selection):
    config = TrainConfig(epochs=8, batch=16, rate=5e-3, selection=selection)
    results = train(make(), two_classes(), CIFAR_PIXELS, config)
    assert results[-1].loss < results[0].loss
    assert results[-1].accuracy > 0.9


def test_masks_hold_and_a_teacher_can_be_given():
    network = make()
    masks = magnitude_masks(network, 0.8)
    hold_zeros(network, masks)
    train(
        network,
        two_classes(),
        CIFAR_PIXELS,
        TrainConfig(epochs=1, batch=16),
        masks=masks,
        teacher=make().eval(),
    )
    for name, parameter in network.named_parameters():
        if name in masks:
            assert not parameter[~masks[name]].any()
    assert weight_sparsity(network) >= 0.8


def test_a_stage_resumes_where_it_stopped(tmp_path):
    config = TrainConfig(epochs=2, batch=16)
    whole = make()
    train(whole, two_classes(), CIFAR_PIXELS, config, checkpoint=tmp_path / "a.pt")

    class StopError(Exception):
        pass

    def stop(result: EpochResult) -> None:
        if result.epoch == 1:
            raise StopError

    with pytest.raises(StopError):
        train(
            make(), two_classes(), CIFAR_PIXELS, config, checkpoint=tmp_path / "b.pt", report=stop
        )
    resumed = make()
    results = train(resumed, two_classes(), CIFAR_PIXELS, config, checkpoint=tmp_path / "b.pt")
    assert [r.epoch for r in results] == [0, 1]
    for name, tensor in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], tensor)


@pytest.mark.parametrize("sparsity", [0.5, 0.9, 0.97])
def test_global_magnitude_pruning_with_a_floor(sparsity):
    network = make()
    network.block[0].mlp.fc2_linear.weight.data.mul_(1e-3)
    masks = magnitude_masks(network, sparsity, floor=0.03)
    hold_zeros(network, masks)
    assert weight_sparsity(network) >= min(sparsity, 0.96)
    assert all(nonzero >= 0.03 * size for nonzero, size in density_by_tensor(network).values())
    nonzero, size = density_by_tensor(network)["block.0.mlp.fc2_linear.weight"]
    assert nonzero == int(np.ceil(0.03 * size))


def test_small_tensors_have_a_floor_of_their_own():
    network = make()
    total = sum(size for _, size in density_by_tensor(network).values())
    hold_zeros(network, magnitude_masks(network, 0.8, small_floor=0.5))
    densities = {n: nonzero / size for n, (nonzero, size) in density_by_tensor(network).items()}
    small = {n for n, (_, size) in density_by_tensor(network).items() if size < 0.015 * total}
    assert "patch_embed.proj_conv.weight" in small
    assert all(densities[name] >= 0.5 for name in small)
    assert weight_sparsity(network) >= 0.8
    assert min(densities[name] for name in densities.keys() - small) < 0.3


def test_pruning_keeps_the_largest():
    network = make()
    kept = magnitude_masks(network, 0.5, floor=0.0)
    values = {n: p.detach().abs() for n, p in network.named_parameters() if n in kept}
    largest_gone = max(float(v[~kept[n]].max()) for n, v in values.items() if (~kept[n]).any())
    others = [float(v[kept[n]].sort().values[1]) for n, v in values.items() if kept[n].sum() > 2]
    assert min(others) >= largest_gone


def test_lamp_by_hand():
    weight = torch.tensor([3.0, 0.0, -1.0, 2.0, -2.0])
    # Squares 9 0 1 4 4; those no smaller sum to 9, -, 18, and for the equal ones to 17 and 13.
    assert lamp(weight).tolist() == pytest.approx([1, 0, 1 / 18, 4 / 17, 4 / 13])


def test_lamp_does_not_see_the_scale_of_a_tensor():
    network = make()
    before = magnitude_masks(network, 0.8, score="lamp")
    network.block[0].mlp.fc2_linear.weight.data.mul_(1e-3)
    after = magnitude_masks(network, 0.8, score="lamp")
    assert all(torch.equal(mask, after[name]) for name, mask in before.items())
    by_size = magnitude_masks(network, 0.8)
    name = "block.0.mlp.fc2_linear.weight"
    assert int(after[name].sum()) > 2 * int(by_size[name].sum())


def test_rounds_of_the_paper():
    assert PruneConfig(0.9).rounds() == pytest.approx(
        [0.25, 0.4375, 0.578, 0.684, 0.763, 0.822, 0.8665, 0.9], abs=1e-3
    )
    with pytest.raises(ValueError, match="sparsity must lie between 0 and 1, not 1"):
        PruneConfig(1.0)


@pytest.mark.parametrize("rewind", ["weights", "rate"])
def test_lottery_ticket_rewinds(rewind):
    network = make()
    early = {n: t.clone() for n, t in network.state_dict().items()}
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    seen = []

    def retrain(index, masks):
        weight = network.block[0].mlp.fc1_linear.weight
        mask = masks["block.0.mlp.fc1_linear.weight"]
        start = early["block.0.mlp.fc1_linear.weight"] + (0 if rewind == "weights" else 1)
        torch.testing.assert_close(weight.detach(), start * mask)
        seen.append((index, weight_sparsity(network)))

    lottery_ticket(network, early, PruneConfig(0.8, rate=0.5, rewind=rewind), retrain)
    assert [i for i, _ in seen] == [0, 1, 2]
    assert seen[-1][1] >= 0.8


def test_recalibration_averages_over_the_batches():
    network, data = make(), two_classes(48)
    recalibrate(network, data, CIFAR_PIXELS, batch=16)
    parts = torch.from_numpy(data.images).split(16)
    inputs = [CIFAR_PIXELS.normalize(part) for part in parts]
    with torch.no_grad():
        currents = [network.patch_embed.conv(0)(x).mean((0, 2, 3)) for x in inputs]
    norm = network.patch_embed.norm(0)
    torch.testing.assert_close(norm.running_mean, torch.stack(currents).mean(0))
    assert norm.momentum == 0.1
    assert not network.training


def test_bad_training_configs_are_refused():
    with pytest.raises(ValueError, match="epochs must be positive, not 0"):
        TrainConfig(epochs=0)
