"""`prune --controls`: the comparisons of model.controls, each arm kept once it is measured."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from sparsespike.cli.output import write_json
from sparsespike.cli.training import TrainingSession
from sparsespike.contract.errors import ContractError

if TYPE_CHECKING:
    from model.controls import ControlResult
    from model.network import Spikformer
    from model.recipe import Recipe

CONTROLS = "controls.json"


def require_controls(recipe: "Recipe", seeds: int) -> None:
    """ContractError if controls are asked for, but the recipe does not say how to train them."""
    if seeds and recipe.controls is None:
        raise ContractError(
            f"--controls {seeds}: recipe {recipe.name} has no [controls]; add its cycles ticket "
            "and tokens"
        )


def run_controls(session: TrainingSession, dense: "Spikformer", seeds: int) -> list[dict[str, Any]]:
    """One row an arm and seed, those of an earlier process from the folder's controls.json."""
    from model.controls import compare_masks, compare_tokens
    from model.pipeline import teach_selectors

    run, test = session.run, session.require_test()
    path = run.folder / CONTROLS
    rows = [row for row in _read(path) if row["images"] == len(test.images)]
    known = {(row["arm"], row["seed"]) for row in rows}
    results: Iterable[ControlResult] = compare_masks(run, dense, test, seeds, known)
    if run.recipe.network.selector_blocks:
        network, masks = teach_selectors(run, dense)
        tokens = compare_tokens(run, network, masks, test, seeds, known)
        results = chain(results, tokens)
    for result in results:
        rows.append({**asdict(result), "images": len(test.images)})
        write_json(path, {"arms": rows})
    return [row for row in rows if row["seed"] < seeds]


def control_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """One line an arm: mean accuracy, its deviation over the seeds, what was trained."""
    lines = []
    for arm in dict.fromkeys(row["arm"] for row in rows):
        chosen = [row for row in rows if row["arm"] == arm]
        values = [row["accuracy"] for row in chosen]
        spread = f" +- {stdev(values):.2%}" if len(values) > 1 else ""
        epochs = chosen[0]["epochs"]
        trained = f"{epochs} epoch{'s' * (epochs > 1)} at T = {chosen[0]['time_steps']}"
        seeds = f"{len(values)} seed{'s' * (len(values) > 1)}"
        lines.append(f"{arm:<17} {mean(values):.2%}{spread}, {seeds}, {trained}")
    return lines


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_bytes())["arms"]
    except (ValueError, KeyError, TypeError) as error:
        raise ContractError(f"{path}: not a list of arms; remove it") from error
    return rows
