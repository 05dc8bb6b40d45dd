"""A checkpoint as a plain classifier: normalised images in, logits out."""

from pathlib import Path

import torch
from torch import Tensor, nn

from model import checkpoint
from model.network import Spikformer
from model.normalization import Normalization, normalization_of
from model.official import ImportOptions, read_official
from model.pixels import PixelScale
from sparsespike.contract.errors import ContractError


class Classifier(nn.Module):
    """Logits of images that are normalised as the authors do it, whatever the file's own scale.

    config: the network's. normalization: mean and deviation (for images in 0..1) that the input
    must be normalised with, None where frames are taken as they are.
    """

    _gain: Tensor | None
    _offset: Tensor | None

    def __init__(
        self,
        network: Spikformer,
        normalization: Normalization | None,
        pixels: PixelScale | None = None,
    ) -> None:
        """pixels: the scale that `network` needs, None where that is `normalization` itself."""
        super().__init__()
        self.network = network
        self.config = network.config
        self.normalization = normalization
        gain = offset = None
        if normalization is not None and pixels is not None:
            mean, std, own_mean, own_std = (
                torch.tensor(values, dtype=torch.float64)
                for values in (normalization.mean, normalization.std, pixels.mean, pixels.std)
            )
            gain, offset = 255 * std / own_std, (255 * mean - own_mean) / own_std
        self.register_buffer("_gain", gain, persistent=False)
        self.register_buffer("_offset", offset, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Float images (B, C, H, W), or event frames (T, B, C, H, W), to logits (B, classes)."""
        self._check(tuple(images.shape))
        if self._gain is not None and self._offset is not None:
            gain, offset = (x.to(images.dtype)[:, None, None] for x in (self._gain, self._offset))
            images = images * gain + offset
        logits: Tensor = self.network(images).logits
        return logits

    def _check(self, shape: tuple[int, ...]) -> None:
        config = self.config
        steps = (config.time_steps,) if config.varying_input else ()
        image = (config.in_channels, config.image_size, config.image_size)
        if len(shape) != len(steps) + 4 or shape[: len(steps)] != steps or shape[-3:] != image:
            wanted = ", ".join(map(str, (*steps, "B", *image)))
            raise ContractError(f"images have shape {shape}, expected ({wanted})")


def load_checkpoint(
    path: Path | str,
    *,
    heads: int | None = None,
    keep_ratio: float | None = None,
    time_steps: int | None = None,
    image_size: int | None = None,
    selector_blocks: tuple[int, ...] | None = None,
) -> Classifier:
    """The network of an official file or of one of ours, in evaluation mode, as a classifier.

    An official file needs heads, and keep_ratio where it has token selectors (1, every token,
    otherwise); the rest stands for what the authors have. A file of ours tells all of it.
    ContractError if the file cannot be read, or what is given contradicts it.
    """
    options = ImportOptions(
        heads=heads,
        keep_ratio=keep_ratio,
        time_steps=time_steps,
        image_size=image_size,
        selector_blocks=None if selector_blocks is None else tuple(selector_blocks),
    )
    if checkpoint.holds_config(path):
        return _load_ours(path, options).eval()
    official = read_official(path, options)
    return Classifier(official.network, official.normalization).eval()


def _load_ours(path: Path | str, options: ImportOptions) -> Classifier:
    loaded = checkpoint.load_checkpoint(path)
    config = loaded.network.config
    for name in ("heads", "keep_ratio", "time_steps", "image_size", "selector_blocks"):
        given, stored = getattr(options, name), getattr(config, name)
        if given is not None and given != stored:
            raise ContractError(
                f"{path}: {name} is {stored} in the file, not {given}; remove the argument"
            )
    if config.varying_input:
        return Classifier(loaded.network, None)
    return Classifier(loaded.network, normalization_of(loaded.pixels), loaded.pixels)
