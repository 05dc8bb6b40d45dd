"""How the authors' data loaders normalise images, and the pixel scale that goes with it."""

from dataclasses import dataclass
from typing import Literal

import torch

from model.network import Spikformer
from model.pixels import PixelScale

NormalizationName = Literal["cifar10", "cifar100", "imagenet"]


@dataclass(frozen=True)
class Normalization:
    """(image - mean) / std per channel, for images in 0..1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def pixels(self) -> PixelScale:
        """The same for pixels 0..255, each mean rounded to a whole pixel."""
        return PixelScale(
            tuple(round(255 * m) for m in self.mean), tuple(255 * s for s in self.std)
        )


NORMALIZATIONS: dict[NormalizationName, Normalization] = {
    "cifar10": Normalization((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar100": Normalization((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    "imagenet": Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
"""Configuration files of the published code of Spikformer and SparseSpikformer."""


def normalization_of(pixels: PixelScale) -> Normalization:
    """The authors' normalisation whose means round to those of `pixels`, else its own."""
    for known in NORMALIZATIONS.values():
        if known.pixels().mean == pixels.mean:
            return known
    return Normalization(tuple(m / 255 for m in pixels.mean), tuple(s / 255 for s in pixels.std))


def round_mean(network: Spikformer, normalization: Normalization) -> PixelScale:
    """The pixel scale of a network that was trained on images normalised as stated.

    The channel means become whole pixels, and the first batch norm's mean takes up the
    difference: exact but for the border, which is then padded by the rounded mean, less than half
    a grey level away.
    """
    pixels = normalization.pixels()
    triples = zip(pixels.mean, normalization.mean, pixels.std, strict=True)
    shift = torch.tensor([(whole - 255 * mean) / std for whole, mean, std in triples])
    stem = network.patch_embed
    moved = (stem.conv(0).weight.detach().sum((2, 3)) * shift).sum(1)
    running = stem.norm(0).running_mean
    if running is not None:
        running.sub_(moved)
    return pixels
