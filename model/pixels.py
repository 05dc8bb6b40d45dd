"""From raw pixels to the network's input, so that padding by the mean is exact in integers."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class PixelScale:
    """Normalisation (pixel - mean) / std, in units of 8-bit pixels.

    mean: one integer per channel: a padded 0 of the float network is exactly that pixel.
    std: one positive number per channel.
    """

    mean: tuple[int, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.std):
            raise ValueError(f"mean has {len(self.mean)} channels, std {len(self.std)}")
        if not all(0 <= m <= 255 and m == int(m) for m in self.mean):
            raise ValueError(f"mean must hold integers in 0..255, not {self.mean}")
        if not all(s > 0 for s in self.std):
            raise ValueError(f"std must be positive, not {self.std}")

    def normalize(self, pixels: Tensor) -> Tensor:
        """uint8 (B, H, W, C) to float32 (B, C, H, W), channels-last in memory."""
        return self.normalize_planes(pixels.permute(0, 3, 1, 2))

    def normalize_planes(self, planes: Tensor) -> Tensor:
        """Pixels (B, C, H, W), any type, in 0..255, to float32 of the same layout."""
        mean = torch.tensor(self.mean, device=planes.device).view(1, -1, 1, 1)
        std = torch.tensor(self.std, device=planes.device).view(1, -1, 1, 1)
        return (planes.float() - mean) / std


CIFAR_PIXELS = PixelScale(mean=(125, 123, 114), std=(63.0, 62.1, 66.7))
"""Channel means and deviations of the CIFAR-10 training split, the means rounded."""
