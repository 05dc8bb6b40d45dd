"""`sparsespike schema`: the JSON schema of every file that a person writes."""

import json
from typing import Annotated

import typer
from pydantic import BaseModel

from sparsespike.cli.meta import meta
from sparsespike.cli.options import JsonOption
from sparsespike.cli.output import require_writable_file, write_json

KINDS = ("engine", "network", "technology")


def command(
    kind: Annotated[
        str | None, typer.Argument(metavar="[KIND]", help=f"One of {', '.join(KINDS)}.")
    ] = None,
    json_file: JsonOption = None,
) -> None:
    """Print the JSON schema of engine, network and technology files.

    Example: sparsespike schema engine > engine.schema.json
    """
    if kind is not None and kind not in KINDS:
        raise typer.BadParameter(f"'{kind}' is not one of {', '.join(KINDS)}", param_hint="KIND")
    if json_file is not None:
        require_writable_file(json_file, option="--json")
    schemas = {name: model.model_json_schema() for name, model in _models().items()}
    typer.echo(json.dumps(schemas[kind] if kind else schemas, indent=2))
    if json_file is not None:
        chosen = {kind: schemas[kind]} if kind else schemas
        write_json(json_file, {**chosen, "meta": meta()})


def _models() -> dict[str, type[BaseModel]]:
    from reports.technology import Technology
    from sparsespike.contract.config import EngineConfig
    from sparsespike.contract.network import NetworkConfig

    return {"engine": EngineConfig, "network": NetworkConfig, "technology": Technology}
