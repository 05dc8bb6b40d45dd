"""Image sets as uint8 arrays: Parquet, torchvision's python batches, folders of PNGs, .npz."""

import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sparsespike.contract.errors import ContractError

Split = Literal["train", "test"]

_BATCHES: dict[Split, dict[str, tuple[str, ...]]] = {
    "train": {
        "cifar-10-batches-py": tuple(f"data_batch_{index}" for index in range(1, 6)),
        "cifar-100-python": ("train",),
    },
    "test": {"cifar-10-batches-py": ("test_batch",), "cifar-100-python": ("test",)},
}
"""Files of a split, by the folder in which torchvision leaves them."""


@dataclass(frozen=True, eq=False)
class ImageSet:
    """images: uint8 (N, H, W, C), rows in file order; labels: int64 (N,), -1 where unknown."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def first(self, count: int) -> "ImageSet":
        """The first `count` rows; ContractError if there are fewer."""
        if not 1 <= count <= len(self.images):
            raise ContractError(
                f"images must be in 1..{len(self.images)}, not {count}; "
                "the data set has no more rows"
            )
        return ImageSet(self.images[:count], self.labels[:count])


def load_images(path: Path | str, split: Split = "test") -> ImageSet:
    """The data set at `path`: a .npz or .parquet file, or a folder that holds one of the formats.

    Folders: `{split}.parquet` or `{split}-*.parquet`; `{split}.npz`; torchvision's python batches
    of CIFAR-10 and CIFAR-100 (fine labels), also below `cifar-10-batches-py` or
    `cifar-100-python`; PNG files in name order, in one sub-folder per class or loose, all below
    `{split}` where there is such a sub-folder.
    """
    path = Path(path)
    if not path.exists():
        raise ContractError(
            f"data {path}: no such file or folder; name a data set or a folder of PNGs"
        )
    if path.is_file():
        loaders = {".npz": _load_npz, ".parquet": lambda file: _load_parquet([file])}
        if path.suffix not in loaders:
            raise ContractError(
                f"data {path}: cannot read {path.suffix or 'this kind of file'}; "
                "use .parquet, .npz or a folder"
            )
        return loaders[path.suffix](path)
    load = _split_loader(path, split)
    return load() if load else _load_pngs(path, split)


def has_split(path: Path | str, split: Split) -> bool:
    """Whether the data set at `path` keeps `split` apart from its other images."""
    path = Path(path)
    return path.is_dir() and _split_loader(path, split) is not None


def _split_loader(path: Path, split: Split) -> Callable[[], ImageSet] | None:
    parquet = sorted(path.glob(f"{split}.parquet")) or sorted(path.glob(f"**/{split}-*.parquet"))
    if parquet:
        return lambda: _load_parquet(parquet)
    if (path / f"{split}.npz").is_file():
        return lambda: _load_npz(path / f"{split}.npz")
    for folder, files in _BATCHES[split].items():
        batches = [(path / folder if (path / folder).is_dir() else path) / name for name in files]
        if all(file.is_file() for file in batches):
            return lambda: _load_batches(batches)
    if (path / split).is_dir():
        return lambda: _load_pngs(path / split, split)
    return None


def save_images(images: ImageSet, path: Path | str) -> None:
    """Write an .npz with arrays `images` and `labels`."""
    with open(path, "wb") as file:
        np.savez_compressed(file, images=images.images, labels=images.labels)


def _load_npz(path: Path) -> ImageSet:
    with np.load(path, allow_pickle=False) as file:
        if not {"images", "labels"} <= set(file.files):
            raise ContractError(f"data {path}: arrays are {file.files}; needs images and labels")
        return ImageSet(file["images"], file["labels"].astype(np.int64))


def _load_parquet(paths: list[Path]) -> ImageSet:
    from pyarrow import parquet

    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    for path in paths:
        table = parquet.read_table(path)
        names = table.column_names
        column = next((c for c in ("image", "img") if c in names), None)
        label = next((c for c in ("label", "fine_label", "labels") if c in names), None)
        if column is None or label is None:
            raise ContractError(
                f"data {path}: columns are {', '.join(names)}; needs image (or img) and label"
            )
        images += [_decode(cell) for cell in table[column].to_pylist()]
        labels += table[label].to_pylist()
    return ImageSet(_stack(images, paths[0]), np.array(labels, np.int64))


def _decode(cell: Any) -> NDArray[np.uint8]:
    data = cell["bytes"] if isinstance(cell, dict) else cell
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickles arrays and plain containers only: a data file must not run code."""

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "numpy" and name in ("ndarray", "dtype", "_reconstruct"):
            return super().find_class(module, name)
        if (module, name) == ("_codecs", "encode"):
            return super().find_class(module, name)
        raise ContractError(f"data: python batch asks for {module}.{name}; not a CIFAR batch")


def _load_batches(files: list[Path]) -> ImageSet:
    pixels, labels = [], []
    for path in files:
        with open(path, "rb") as file:
            batch = _ArrayUnpickler(file, encoding="bytes").load()
        pixels.append(np.asarray(batch[b"data"], np.uint8))
        labels += list(batch[b"fine_labels"] if b"fine_labels" in batch else batch[b"labels"])
    planes = np.concatenate(pixels).reshape(-1, 3, 32, 32)
    return ImageSet(np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), np.array(labels, np.int64))


def _load_pngs(folder: Path, split: Split) -> ImageSet:
    files = sorted(folder.glob("*.png")) + sorted(folder.glob("*/*.png"))
    if not files:
        raise ContractError(
            f"data {folder}: holds no known data set; expected {split}.parquet, {split}.npz, "
            "CIFAR's python batches or PNG files"
        )
    classes = sorted({f.parent.name for f in files if f.parent != folder})
    labels = [classes.index(f.parent.name) if f.parent != folder else -1 for f in files]
    images = [_decode(f.read_bytes()) for f in files]
    return ImageSet(_stack(images, folder), np.array(labels, np.int64))


def _stack(images: list[NDArray[np.uint8]], where: Path) -> NDArray[np.uint8]:
    shapes = {image.shape for image in images}
    if len(shapes) != 1:
        raise ContractError(
            f"data {where}: images differ in size ({sorted(shapes)[:3]}); resize them to one size"
        )
    return np.stack(images)
