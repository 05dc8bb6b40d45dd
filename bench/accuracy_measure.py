"""Measures one network of the zoo for the page on accuracy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pandas as pd

from model import zoo
from model.checkpoint import load_checkpoint
from model.controls import Arm
from model.data import ImageSet
from model.evaluate import evaluate_float, evaluate_integer
from model.floor_effect import floor_effect
from model.flops import gflops, layer_macs, parameter_count
from model.kept_tokens import kept_maps
from model.layer_profile import profile_layers
from model.quantize import quantize
from model.recipe import load_recipe
from model.weight_density import weight_density
from reports.accuracy.results import ImageResults, NetworkResults
from sparsespike.cli.progress import progress
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import WEIGHT_BITS, IntegerNetwork

_CONTROL_COLUMNS = ("arm", "seed", "accuracy", "epochs", "time_steps")


def trained_networks() -> tuple[str, ...]:
    """Networks of the zoo that were trained: those with a card."""
    return tuple(name for name in zoo.names() if zoo.card(name))


def measure(name: str, data: ImageSet, words: str) -> NetworkResults:
    """All results of the zoo's network `name`, measured on `data`, which is called `words`.

    ContractError if the card is of another network, or a record is not what its writer writes.
    """
    card, integer = zoo.card(name), zoo.load_integer(name)
    if card.get("integer_sha256") != integer.content_hash():
        raise ContractError(f"{name}.json: is the card of another network; publish {name} again")
    config = integer.config
    density = weight_density(load_checkpoint(zoo.float_path(name)).network)
    return NetworkResults(
        name=name,
        config=config,
        card=card,
        parameters=parameter_count(config),
        gflops=gflops(config),
        measured=_on_images(name, integer, data, words),
        density=density,
        floor=_floor(name, density),
        controls=read_controls(zoo.ZOO / f"{name}.controls.json"),
        record=f"{name}.training.json" if _record(name).exists() else None,
    )


def read_controls(path: Path) -> pd.DataFrame | None:
    """The arms of a file that `sparsespike prune --controls` writes; None where there is none."""
    if not path.exists():
        return None
    try:
        rows = json.loads(path.read_text())["arms"]
        frame = pd.DataFrame(rows, columns=list(_CONTROL_COLUMNS))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ContractError(
            f"{path.name}: not a list of control results; write it again"
        ) from error
    if frame.empty or frame.isna().any(axis=None):
        raise ContractError(f"{path.name}: a row lacks {' or '.join(_CONTROL_COLUMNS)}; add it")
    strangers = set(frame["arm"]) - set(get_args(Arm))
    if strangers:
        raise ContractError(
            f"{path.name}: unknown arm {min(strangers)!r}; arms: {', '.join(get_args(Arm))}"
        )
    return frame


def _record(name: str) -> Path:
    return zoo.ZOO / f"{name}.training.json"


def _floor(name: str, density: pd.DataFrame) -> pd.DataFrame | None:
    """The dense network's masks at the sparsity of the shipped one, None without the former."""
    path = zoo.ZOO / f"{name}-dense.safetensors"
    if not path.exists():
        return None
    dense = load_checkpoint(path).network
    if not weight_density(dense)[["layer", "weights"]].equals(density[["layer", "weights"]]):
        raise ContractError(f"{path.name}: has other layers than {name}; put its own dense network")
    sparsity = 1 - int(density["nonzero"].sum()) / int(density["weights"].sum())
    prune = load_recipe(name).prune
    frame = floor_effect(dense, sparsity, prune.floor, prune.small_floor)
    return frame.set_index("layer").loc[density["layer"]].reset_index()


def _on_images(name: str, integer: IntegerNetwork, data: ImageSet, words: str) -> ImageResults:
    total = len(data.images)
    with progress(f"{name}: integer network", total=total) as advance:
        profile = profile_layers(integer, data.images, progress=advance)
    correct = {"float": _correct_float(name, data)}
    for bits in reversed(WEIGHT_BITS):
        if bits == integer.config.weight_bits:
            correct[str(bits)] = int((profile.predicted == data.labels).sum())
        else:
            correct[str(bits)] = _correct_at(name, bits, data)
    return ImageResults(
        data=words,
        images=data.images,
        labels=data.labels,
        predicted=profile.predicted,
        correct=correct,
        kept=kept_maps(integer.config, profile.kept),
        layers=profile.layers.assign(
            dense_macs=profile.layers["layer"].map(layer_macs(integer.config))
        ),
    )


def _correct_float(name: str, data: ImageSet) -> int:
    checkpoint = load_checkpoint(zoo.float_path(name))
    with progress(f"{name}: float network", total=len(data.images)) as advance:
        share = evaluate_float(checkpoint.network, checkpoint.pixels, data, progress=advance)
    return round(share * len(data.images))


def _correct_at(name: str, bits: int, data: ImageSet) -> int:
    checkpoint = load_checkpoint(zoo.float_path(name))
    network = quantize(checkpoint.network, checkpoint.pixels, bits)
    with progress(f"{name}: {bits} bit weights", total=len(data.images)) as advance:
        score = evaluate_integer(network, data, progress=advance)
    return round(score.accuracy * len(data.images))
