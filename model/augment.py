"""Augmentation of image batches, by kornia, on the device where the images are."""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

Augmentation = Literal["none", "light", "strong"]
"""light: flip and shifted crop, for networks that underfit. strong: RandAugment and erasing too,
close to the recipe of Spikformer (ICLR 2023, appendix)."""

BORDER = 4


def augmentation(name: Augmentation, size: int) -> Callable[[Tensor], Tensor]:
    """A function from uint8 images (B, H, W, C) to augmented float images (B, C, H, W) in 0..255.

    It draws from torch's global generator.
    """
    if name == "none":
        return _planes
    import kornia.augmentation as kornia

    crop = kornia.RandomCrop(
        (size, size), padding=min(BORDER, size - 1), padding_mode="reflect", cropping_mode="slice"
    )
    steps: list[Any] = [kornia.RandomHorizontalFlip(), crop]
    if name == "strong":
        steps += [kornia.auto.RandAugment(n=2, m=9), kornia.RandomErasing(p=0.25)]
    pipeline = kornia.AugmentationSequential(*steps)

    def augment(images: Tensor) -> Tensor:
        return pipeline(_planes(images) / 255) * 255

    return augment


def _planes(images: Tensor) -> Tensor:
    return images.permute(0, 3, 1, 2).float()


def mix(images: Tensor, target: Tensor, strength: float) -> tuple[Tensor, Tensor]:
    """Mixup (Zhang et al., ICLR 2018): every image blended with another, and its target likewise.

    images: (B, C, H, W). target: class probabilities (B, classes). strength: alpha of the Beta
    distribution of the share; 0 mixes nothing.
    """
    if strength == 0:
        return images, target
    alpha = torch.tensor(strength)
    share = float(torch.distributions.Beta(alpha, alpha).sample())
    order = torch.randperm(len(images)).to(images.device)
    blend = share * images + (1 - share) * images[order]
    return blend, share * target + (1 - share) * target[order]
