"""`sparsespike schema`: the JSON schema of every file that a person writes."""

import json
from typing import Annotated

import typer
from pydantic import BaseModel

from sparsespike.cli.meta import meta
from sparsespike.cli.options import JsonOption
from sparsespike.cli.output import require_writable_file, write_json

KINDS = ("engine", "network", "technology", "recipe", "space")


def command(
    kind: Annotated[
        str | None, typer.Argument(metavar="[KIND]", help=f"One of {', '.join(KINDS)}.")
    ] = None,
    json_file: JsonOption = None,
) -> None:
    """Print the JSON schema of engine, network, technology, recipe and space files.

    Example: sparsespike schema engine > engine.schema.json
    """
    if kind is not None and kind not in KINDS:
        raise typer.BadParameter(f"'{kind}' is not one of {', '.join(KINDS)}", param_hint="KIND")
    if json_file is not None:
        require_writable_file(json_file, option="--json")
    shown = (kind,) if kind else KINDS
    schemas = {name: _model(name).model_json_schema() for name in shown}
    typer.echo(json.dumps(schemas[kind] if kind else schemas, indent=2))
    if json_file is not None:
        write_json(json_file, {**schemas, "meta": meta()})


def _model(kind: str) -> type[BaseModel]:
    if kind == "engine":
        from sparsespike.contract.config import EngineConfig

        return EngineConfig
    if kind == "network":
        from sparsespike.contract.network import NetworkConfig

        return NetworkConfig
    if kind == "technology":
        from reports.technology import Technology

        return Technology
    if kind == "space":
        from reports.explore.space import Space

        return Space
    from model.recipe import Recipe

    return Recipe
