"""Sample images with the tokens that each selector dropped, as pictures inside the page."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

EDGE = 128
"""Pixels of a picture's edge."""


@dataclass(frozen=True)
class Picture:
    """One image: its caption and the stages as PNG data URIs, each with the tokens left."""

    caption: str
    stages: tuple[tuple[str, str], ...]


def token_pictures(
    images: NDArray[np.uint8],
    kept: dict[str, NDArray[np.int64]],
    *,
    grid: int,
    captions: list[str],
) -> list[Picture]:
    """A picture per image: as it is, and after each selector, dropped tokens darkened.

    images: uint8 (N, H, W, channels); kept: selector layer -> (N, keep) original token indices of a
    grid x grid map.
    """
    pictures = []
    for index, (image, caption) in enumerate(zip(images, captions, strict=True)):
        large = _enlarged(image)
        stages = [("image", _data_uri(large))]
        for name, tokens in kept.items():
            shaded = _shaded(large, tokens[index], grid)
            stages.append((f"{name}: {tokens.shape[1]} of {grid * grid}", _data_uri(shaded)))
        pictures.append(Picture(caption, tuple(stages)))
    return pictures


def _enlarged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    colors = image[..., :3] if image.shape[-1] >= 3 else np.repeat(image[..., :1], 3, axis=-1)
    resized = Image.fromarray(colors).resize((EDGE, EDGE), Image.Resampling.BICUBIC)
    return np.asarray(resized)


def _shaded(large: NDArray[np.uint8], tokens: NDArray[np.int64], grid: int) -> NDArray[np.uint8]:
    keep = np.zeros(grid * grid, bool)
    keep[tokens] = True
    place = np.arange(EDGE) * grid // EDGE
    mask = keep.reshape(grid, grid)[place][:, place]
    dark = (large * 0.18 + 24).astype(np.uint8)
    return np.where(mask[..., None], large, dark)


def _data_uri(pixels: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
