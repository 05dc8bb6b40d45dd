"""What the options name: engines, networks, programs and images, loaded or refused in one line."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, is_zipfile

import numpy as np

from sparsespike.cli.options import DEFAULT_ENGINE, DEFAULT_NETWORK
from sparsespike.contract.config import EngineConfig, load_engine
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerNetwork, NetworkConfig
from sparsespike.contract.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.data import ImageSet, Split

CHECKPOINT_SUFFIX = ".safetensors"


def load_engine_config(name_or_path: str, lanes: int | None = None) -> EngineConfig:
    """An engine preset or file, its lanes replaced where `lanes` is given."""
    overrides = {} if lanes is None else {"lanes": lanes}
    return load_engine(name_or_path, **overrides)


def load_network(name_or_path: str) -> IntegerNetwork:
    """The integer network of the zoo, of a file, or quantised from a float checkpoint."""
    from model import zoo

    if name_or_path in zoo.names():
        return zoo.load_integer(name_or_path)
    path = _network_file(name_or_path, zoo.names())
    if path.suffix == CHECKPOINT_SUFFIX:
        return quantize_checkpoint(path)
    if not is_zipfile(path):
        raise ContractError(
            f"network {path}: neither a whole integer network nor a {CHECKPOINT_SUFFIX} "
            "checkpoint: make it again with `sparsespike quantize`"
        )
    return IntegerNetwork.load(path)


def checkpoint_file(name_or_path: str) -> Path:
    """File of the float checkpoint of the zoo network or file that is named."""
    from model import zoo

    if name_or_path in zoo.names():
        return zoo.float_path(name_or_path)
    return _network_file(name_or_path, zoo.names())


def find_checkpoint(name_or_path: str) -> Path | None:
    """The float checkpoint that belongs to a network, None where there is none."""
    from model import zoo

    if name_or_path in zoo.names():
        path = zoo.ZOO / f"{name_or_path}{CHECKPOINT_SUFFIX}"
        return path if path.is_file() else None
    return Path(name_or_path) if name_or_path.endswith(CHECKPOINT_SUFFIX) else None


def quantize_checkpoint(path: Path, weight_bits: int | None = None) -> IntegerNetwork:
    """The integer network of a float checkpoint; None keeps the checkpoint's own weight bits."""
    from model.checkpoint import load_checkpoint
    from model.quantize import quantize

    checkpoint = load_checkpoint(path)
    return quantize(checkpoint.network, checkpoint.pixels, weight_bits)


def _network_file(name_or_path: str, known: tuple[str, ...]) -> Path:
    path = Path(name_or_path)
    if not path.is_file():
        raise ContractError(
            f"network '{name_or_path}' is neither in the zoo nor a file; "
            f"networks: {', '.join(known)}"
        )
    return path


def load_program(
    path: Path | None, *, network: str | None, engine: str | None, lanes: int | None
) -> Program:
    """The program in the file at `path`, or the one compiled from network and engine."""
    if path is None:
        config = load_engine_config(engine or DEFAULT_ENGINE, lanes)
        return compile_for(load_network(network or DEFAULT_NETWORK), config)
    for option, value in (("--network", network), ("--engine", engine), ("--lanes", lanes)):
        if value is not None:
            raise ContractError(
                f"{option} {value}: the program file {path} already fixes it; give one of the two"
            )
    return Program.load(path)


def compile_for(
    network: IntegerNetwork,
    engine: EngineConfig,
    *,
    activity: "Mapping[str, NDArray[np.float64]] | None" = None,
    bands: Mapping[str, int] | None = None,
) -> Program:
    """Compile with a spinner for the networks that take long; options: see `compile_network`."""
    from sparsespike.cli.progress import progress
    from sparsespike.compiler import compile_network

    with progress("compile"):
        return compile_network(network, engine, activity=activity, bands=bands)


def load_images(data: Path | None, count: int | None, network: NetworkConfig) -> "ImageSet":
    """The first `count` images (None: all) of `data`, checked to fit the network.

    Without `data`: the shipped sample, shrunk where the network takes smaller images.
    """
    from model.zoo import sample_images

    chosen = _shrunk(sample_images(), network.image_size) if data is None else read_images(data)
    if count is not None:
        chosen = chosen.first(count)
    require_size(chosen, network, str(data or "(shipped sample)"))
    return chosen


def require_size(images: "ImageSet", network: NetworkConfig, name: str) -> None:
    """ContractError unless images from the data set `name` are as large as the network's."""
    wanted = (network.image_size, network.image_size, network.in_channels)
    if images.images.shape[1:] != wanted:
        raise ContractError(
            f"data {name}: images are {_size(images.images.shape[1:])}, "
            f"the network takes {_size(wanted)}: resize them or choose another network"
        )


def read_images(data: Path, split: "Split" = "test") -> "ImageSet":
    """The data set at `data`; ContractError for whatever is wrong with its files."""
    from model.data import load_images as load

    try:
        return load(data, split)
    except ContractError:
        raise
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ContractError(
            f"data {data}: cannot be read ({reason}): check that the file is whole"
        ) from error


def _shrunk(images: "ImageSet", size: int) -> "ImageSet":
    """The images with blocks of pixels averaged, where `size` divides theirs; else as they are."""
    count, edge, _, channels = images.images.shape
    if edge % size:
        return images
    factor = edge // size
    blocks = images.images.reshape(count, size, factor, size, factor, channels)
    pixels = blocks.sum(axis=(2, 4), dtype=np.int64) // factor**2
    return replace(images, images=pixels.astype(np.uint8))


def zoo_rows() -> list[dict[str, Any]]:
    """Name and shape of every network of the zoo."""
    from model import zoo

    return [_zoo_row(name, zoo.load_integer(name)) for name in zoo.names()]


def _zoo_row(name: str, network: IntegerNetwork) -> dict[str, Any]:
    config = network.config
    shape = ("time_steps", "image_size", "dim", "depth", "heads", "keep_ratio")
    return {
        "name": name,
        **{field: getattr(config, field) for field in shape},
        "weight_sparsity": round(float(network.weight_sparsity()), 4),
    }


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
