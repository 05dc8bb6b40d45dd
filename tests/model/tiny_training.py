"""The smallest training that has every stage: dark against bright images of 8x8 pixels."""

from pathlib import Path

import numpy as np

from model.data import ImageSet, save_images
from model.pixels import CIFAR_PIXELS
from model.recipe import Recipe, load_recipe
from model.stages import Run

RECIPE = """
[network]
time_steps = 2
image_size = 8
dim = 16
depth = 1
heads = 2
classes = 2
selector_blocks = [0]
keep_ratio = 0.7
stem_pools = [false, false, false, true]

[training]
batch = 16
mixup = 0.1

[[dense]]
epochs = 2
rate = 5e-3
time_steps = 1

[[dense]]
epochs = 2
rate = 5e-3

[prune]
sparsity = 0.7
rate = 0.5
cycle = { epochs = 2, rate = 5e-3, time_steps = 1 }
settle = { epochs = 1, rate = 5e-3, time_steps = 1 }

[select]
epochs = 1
rate = 2e-3

[finish]
epochs = 1
rate = 2e-3

[tune]
epochs = 1
rate = 1e-3

[controls]
ticket = { epochs = 1, rate = 5e-3, time_steps = 1 }
tokens = { epochs = 1, rate = 2e-3, time_steps = 1 }
"""

STAGES = ("dense0", "dense1", "round0", "round1", "settle", "select", "finish", "tune")
EPOCHS = (2, 2, 2, 2, 1, 1, 1, 1)


def write_recipe(folder: Path, name: str = "small") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(RECIPE)
    return path


def write_data(folder: Path, train: int = 64, test: int = 32) -> Path:
    """A folder with train.npz and test.npz."""
    folder.mkdir(exist_ok=True)
    for seed, (split, count) in enumerate((("train", train), ("test", test))):
        save_images(dark_and_bright(count, seed), folder / f"{split}.npz")
    return folder


def dark_and_bright(count: int, seed: int = 0) -> ImageSet:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    images = rng.integers(0, 120, (count, 8, 8, 3)) + 120 * labels[:, None, None, None]
    return ImageSet(images.astype(np.uint8), labels)


def make_recipe(folder: Path) -> Recipe:
    return load_recipe(write_recipe(folder))


def make_run(folder: Path, *, seed: int = 0, images: int = 64, **fields) -> Run:
    """A run of the tiny recipe into folder/run; `fields` of Run replace its defaults."""
    recipe = make_recipe(folder)
    return Run(recipe, dark_and_bright(images), CIFAR_PIXELS, folder / "run", seed, **fields)
