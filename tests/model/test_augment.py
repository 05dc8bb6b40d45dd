"""Augmented images stay images; mixup blends images and targets alike."""

import pytest
import torch

from model.augment import augmentation, mix


def images(count: int = 8, size: int = 8) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, size, size, 3), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("name", ["none", "light", "strong"])
def test_shape_range_and_determinism(name):
    given, augment = images(16), augmentation(name, 8)
    results = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        results.append(augment(given))
    assert results[0].shape == (16, 3, 8, 8)
    assert results[0].dtype == torch.float32
    for result in results:
        assert result.min() >= 0
        assert result.max() <= 255
        assert result.isfinite().all()
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2]) == (name == "none")


def test_none_leaves_every_pixel():
    given = images()
    assert torch.equal(augmentation("none", 8)(given), given.permute(0, 3, 1, 2).float())


def test_light_images_are_shifted_or_mirrored_crops():
    torch.manual_seed(0)
    plane = torch.arange(64, dtype=torch.uint8).view(1, 8, 8, 1).repeat(50, 1, 1, 3)
    result = augmentation("light", 8)(plane)
    inner = result[:, 0, 3:5, 3:5].round().int()
    torch.testing.assert_close(result, result.round(), atol=1e-3, rtol=0)
    assert set((inner[:, 0, 1] - inner[:, 0, 0]).tolist()) <= {-1, 1}
    assert len(inner[:, 0, 0].unique()) > 5


def test_mixup_blends_each_image_with_one_other():
    torch.manual_seed(0)
    given = torch.eye(8).view(8, 1, 1, 8) * 100
    target = torch.eye(8)
    blended, mixed = mix(given, target, 1.0)
    torch.testing.assert_close(blended.view(8, 8) / 100, mixed)
    torch.testing.assert_close(mixed.sum(1), torch.ones(8))
    torch.testing.assert_close(mixed.sum(0), torch.ones(8))
    own = mixed.diagonal()
    shares = own[own < 1]
    assert len(shares) >= 5
    assert len(shares.unique()) == 1


def test_mixup_of_strength_0_is_nothing_and_draws_nothing():
    given, target = torch.rand(4, 3, 2, 2), torch.eye(4)
    state = torch.random.get_rng_state()
    assert mix(given, target, 0.0) == (given, target)
    assert torch.equal(state, torch.random.get_rng_state())


def test_mixup_follows_the_seed():
    given, target = torch.rand(4, 3, 2, 2), torch.eye(4)
    results = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        results.append(mix(given, target, 0.5)[0])
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])
