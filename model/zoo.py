"""The shipped networks and sample images, by name."""

import json
from pathlib import Path
from typing import Any

from model.data import ImageSet, load_images
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerNetwork

ZOO = Path(__file__).parent / "zoo"


def names() -> tuple[str, ...]:
    """Names of all shipped integer networks, sorted."""
    return tuple(sorted(path.name.removesuffix(".int8.npz") for path in ZOO.glob("*.int8.npz")))


def integer_path(name: str) -> Path:
    """File of the integer network called `name`."""
    if name not in names():
        raise ContractError(
            f"network {name!r} is not in the zoo; choose one of {', '.join(names())} or name a file"
        )
    return ZOO / f"{name}.int8.npz"


def float_path(name: str) -> Path:
    """File of the float checkpoint called `name`; random test networks have none."""
    path = ZOO / f"{name}.safetensors"
    if not path.exists():
        raise ContractError(
            f"network {name!r} has no float checkpoint in the zoo; choose nano or name a file"
        )
    return path


def load_integer(name: str) -> IntegerNetwork:
    """The integer network called `name`."""
    return IntegerNetwork.load(integer_path(name))


def card(name: str) -> dict[str, Any]:
    """What was measured for `name` when it was made: accuracies, sparsity, seed; {} for tiny."""
    path = ZOO / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def sample_images() -> ImageSet:
    """The first 256 rows of the CIFAR-10 test split."""
    return load_images(ZOO / "sample_images.npz")
