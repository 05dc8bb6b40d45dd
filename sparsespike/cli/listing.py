"""`sparsespike list`: the networks, engines, energy tables, recipes and spaces it ships with."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from sparsespike.cli.meta import meta
from sparsespike.cli.options import JsonOption
from sparsespike.cli.output import require_writable_file, write_json

KINDS = ("networks", "engines", "technologies", "recipes", "spaces")


def command(
    kind: Annotated[
        str | None, typer.Argument(metavar="[KIND]", help=f"One of {', '.join(KINDS)}.")
    ] = None,
    json_file: JsonOption = None,
) -> None:
    """List the networks, engines, technologies, recipes and spaces that can be named.

    Example: sparsespike list engines
    """
    if kind is not None and kind not in KINDS:
        raise typer.BadParameter(f"'{kind}' is not one of {', '.join(KINDS)}", param_hint="KIND")
    if json_file is not None:
        require_writable_file(json_file, option="--json")
    shown = (kind,) if kind else KINDS
    rows = {name: _ROWS[name]() for name in shown}
    console = Console()
    for name in shown:
        console.print(_table(name, rows[name]))
    if json_file is not None:
        write_json(json_file, {**rows, "meta": meta()})


def _networks() -> list[dict[str, Any]]:
    from sparsespike.cli.inputs import zoo_rows

    return zoo_rows()


def _engines() -> list[dict[str, Any]]:
    from sparsespike.contract.config import engine_presets, load_engine

    return [{"name": name, **load_engine(name).model_dump()} for name in engine_presets()]


def _technologies() -> list[dict[str, Any]]:
    from reports.technology import load_technology, technologies

    tables = [load_technology(name) for name in technologies()]
    return [
        {"name": t.name, "node_nm": t.node_nm, "voltage": t.voltage, "source": t.source}
        for t in tables
    ]


def _recipes() -> list[dict[str, Any]]:
    """Read as plain TOML: to list recipes nobody needs torch."""
    import model

    files = (Path(model.__path__[0]) / "recipes").glob("*.toml")
    recipes = {file.stem: tomllib.loads(file.read_text()) for file in files}
    return [_recipe_row(name, recipes[name]) for name in sorted(recipes)]


def _recipe_row(name: str, recipe: dict[str, Any]) -> dict[str, Any]:
    network, prune = recipe["network"], recipe["prune"]
    return {
        "name": name,
        **{field: network[field] for field in ("time_steps", "dim", "depth", "heads")},
        "classes": network.get("classes", 10),
        "dense_epochs": sum(cycle["epochs"] for cycle in recipe["dense"]),
        "weight_sparsity": prune["sparsity"],
        "keep_ratio": network["keep_ratio"],
    }


def _spaces() -> list[dict[str, Any]]:
    from reports.explore.space_file import load_space, spaces

    return [_space_row(load_space(name)) for name in spaces()]


def _space_row(space: Any) -> dict[str, Any]:
    return {
        "name": space.name,
        "network": space.base.network,
        "engine": space.base.engine,
        "combinations": space.size(),
        "sampler": space.search.sampler,
        "objectives": ", ".join(space.objectives),
    }


_ROWS = {
    "networks": _networks,
    "engines": _engines,
    "technologies": _technologies,
    "recipes": _recipes,
    "spaces": _spaces,
}
_SHOWN = {
    "engines": ("name", "clusters", "lanes", "chunk", "fifo_depth", "time_steps", "clock_mhz"),
    "recipes": ("name", "dim", "depth", "classes", "dense_epochs", "weight_sparsity"),
}


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left")
    columns = _SHOWN.get(title) or tuple(rows[0]) if rows else ("name",)
    for column in columns:
        table.add_column(column.replace("_", " "), no_wrap=column == "name")
    for row in rows:
        table.add_row(*(str(row[column]) for column in columns))
    return table
