"""Runs behind a report: the network itself, its variants, and how often each of them is right."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.class_names import CIFAR10
from reports.energy import energy_by
from reports.ladder import Rung, ladder_table
from reports.measure import Run, measure
from reports.page import Report
from reports.pictures import token_pictures
from reports.technology import Technology, load_technology, technologies
from sparsespike.cli.inputs import find_checkpoint, quantize_checkpoint
from sparsespike.cli.variants import always_firing, with_keep_ratio, without_weight_skipping
from sparsespike.compiler import compile_network
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import WEIGHT_BITS, IntegerNetwork
from sparsespike.contract.program import Program

if TYPE_CHECKING:
    from model.data import ImageSet

PICTURES = 8
ACCURACY_IMAGES = 256
KEEP_RATIOS = (1.0, 0.9, 0.7, 0.5, 0.3)
_HOW = {
    "dense": "simulated: no weight is zero, every neuron fires in every step, all tokens are kept",
    "spikes": "simulated: real spikes; zero weights are stored and added; all tokens are kept",
    "weights": "simulated: zero weights are neither stored nor added; all tokens are kept",
    "tokens": "simulated: the network as it is, with its token selectors",
}


def gather(
    network: IntegerNetwork,
    engine: EngineConfig,
    technology: Technology,
    *,
    name: str,
    images: "ImageSet",
    labelled: "ImageSet | None",
    facts: dict[str, Any],
    check: dict[str, Any] | None,
    note: str = "",
) -> Report:
    """Everything a report of `network` (a zoo name or file) on `engine` shows.

    labelled: images to measure accuracy on; None leaves that out. note: stands beside our figures
    in the table of peers; without one it says how accurate the network is, if that is known.
    """
    program = compile_network(network, engine)
    run, result = _run(Path(name).name.split(".")[0], network, program, images.images)
    run = replace(run, note=note or _known_accuracy(name))
    return Report(
        measured=measure(run, technology),
        technologies=_technologies(run),
        ladder=ladder_table(list(_rungs(network, run, images)), technology),
        points=_points(network, name, engine, technology, labelled),
        pictures=_pictures(network, result, images),
        check=check,
        facts={**facts, "program_hash": program.hash, "technology": technology.name},
        card=_card(name),
    )


def _run(
    name: str, network: IntegerNetwork, program: Program, images: NDArray[np.uint8]
) -> tuple[Run, Any]:
    from sim import simulate

    result = simulate(program, images)
    run = Run(
        name,
        network.config,
        program.engine,
        result.layers,
        result.cycles,
        result.counters,
        network.weight_density(),
    )
    return run, result


def _technologies(run: Run) -> pd.DataFrame:
    """Energy of a frame under every shipped table that prices the engine, by kind."""
    frames = []
    for name in technologies():
        table = load_technology(name)
        if table.operations:
            continue
        parts = energy_by(measure(run, table).components, "kind")
        frames.append(parts.assign(technology=name))
    return pd.concat(frames, ignore_index=True)


def _rungs(network: IntegerNetwork, run: Run, images: "ImageSet") -> Iterator[Rung]:
    """The ladder: everything dense, then spikes, weights and tokens skipped, one after another."""
    full = with_keep_ratio(network, 1.0)
    firing, white = always_firing(network)
    yield _rung("dense", firing, white, compile_network, run.engine)
    yield _rung("spikes", full, images.images, without_weight_skipping, run.engine)
    yield _rung("weights", full, images.images, compile_network, run.engine)
    if network.config.selector_blocks:
        yield Rung("tokens", _HOW["tokens"], run)


def _rung(
    step: str,
    network: IntegerNetwork,
    pixels: NDArray[np.uint8],
    build: Callable[[IntegerNetwork, EngineConfig], Program],
    engine: EngineConfig,
) -> Rung:
    try:
        program = build(network, engine)
    except ContractError as error:
        return Rung(step, f"does not fit this engine, so not simulated: {error}", None)
    return Rung(step, _HOW[step], _run(step, network, program, pixels)[0])


def _points(
    network: IntegerNetwork,
    name: str,
    engine: EngineConfig,
    technology: Technology,
    labelled: "ImageSet | None",
) -> pd.DataFrame | None:
    """Accuracy and energy of the network with other keep ratios and other weight widths."""
    if labelled is None or np.any(labelled.labels < 0):
        return None
    rows = []
    for series, label, net in _alternatives(network, name):
        try:
            program = compile_network(net, engine)
        except ContractError:
            continue
        run, result = _run(label, net, program, labelled.images)
        right = int((result.logits.argmax(1) == labelled.labels).sum())
        low, high = wilson(right, len(labelled.images))
        rows.append(
            {
                "series": series,
                "label": label,
                "accuracy": right / len(labelled.images),
                "low": low,
                "high": high,
                "images": len(labelled.images),
                "joule": measure(run, technology).joule,
            }
        )
    return pd.DataFrame(rows)


def _alternatives(network: IntegerNetwork, name: str) -> Iterator[tuple[str, str, IntegerNetwork]]:
    if network.config.selector_blocks:
        own = network.config.keep_ratio
        for ratio in sorted({own, *KEEP_RATIOS}, reverse=True):
            label = f"keep {ratio:g}" + (" (as trained)" if ratio == own else "")
            changed = network if ratio == own else with_keep_ratio(network, ratio)
            yield "tokens kept", label, changed
    checkpoint = find_checkpoint(name)
    if checkpoint is not None:
        for bits in reversed(WEIGHT_BITS):
            yield "weight bits", f"{bits} bit", quantize_checkpoint(checkpoint, bits)


def wilson(right: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson, JASA 22, 1927)."""
    share, spread = right / total, z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    return middle - half, middle + half


def _pictures(network: IntegerNetwork, result: Any, images: "ImageSet") -> list[Any]:
    count = min(PICTURES, len(images.images))
    guesses = result.logits[:count].argmax(1).tolist()
    named = network.config.classes == len(CIFAR10)
    captions = [_caption(label, guess, named) for label, guess
                in zip(images.labels[:count].tolist(), guesses, strict=True)]  # fmt: skip
    kept = {layer: tokens[:count] for layer, tokens in result.kept.items()}
    grid = network.config.grid()
    return token_pictures(images.images[:count], kept, grid=grid, captions=captions)


def _caption(label: int, guess: int, named: bool) -> str:
    def text(index: int) -> str:
        return CIFAR10[index] if named else f"class {index}"

    if label < 0:
        return f"taken for {text(guess)}"
    return f"{text(label)}, " + ("recognised" if label == guess else f"taken for {text(guess)}")


def _known_accuracy(name: str) -> str:
    card = _card(name)
    if "accuracy_integer" not in card:
        return "weights from a file, whose accuracy this report does not know"
    return (
        f"trained, {card['accuracy_integer']:.1%} of {card['images']:,} test images right as an "
        "integer network"
    )


def _card(name: str) -> dict[str, Any]:
    from model import zoo

    return dict(zoo.card(name)) if name in zoo.names() else {}
