"""SPACE.toml: read, and refused with file, line and key where it is wrong."""

import itertools
import tomllib
from pathlib import Path

from pydantic import BaseModel, ValidationError

from reports.explore.space import Base, Limit, Search, Space
from reports.explore.toml_lines import line_of
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError

SPACES = Path(__file__).parent.parent / "spaces"
_TRIED = 100_000
"""Combinations among which one must keep the constraints; larger spaces are not searched for it."""


def spaces() -> list[str]:
    """Names of the spaces that ship with the package, sorted."""
    return sorted(path.stem for path in SPACES.glob("*.toml"))


def load_space(name_or_path: str | Path) -> Space:
    """A shipped space by name, or the user's file.

    Raises ContractError: one line with file, line, key, what is wrong and how to mend it.
    """
    path = SPACES / f"{name_or_path}.toml"
    if not path.is_file():
        path = Path(name_or_path)
    if not path.is_file():
        raise ContractError(
            f"space '{name_or_path}' is neither shipped nor a file: choose one of "
            f"{', '.join(spaces())}, or name a file"
        )
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContractError(f"space {path}: not valid TOML ({error}): correct it") from None
    try:
        space = Space.model_validate({"name": path.stem} | raw)
    except ValidationError as error:
        raise ContractError(_first_problem(path, text, error)) from None
    _check_engine_values(path, text, space)
    return space


def _check_engine_values(path: Path, text: str, space: Space) -> None:
    """Refuses a value that no engine can have; fields that contradict are infeasible points."""
    try:
        fields = space.base_engine.model_dump()
    except ContractError as error:
        raise ContractError(f"{_place(path, text, ('base', 'engine'))}: {error}") from None
    for name, values in space.engine.items():
        for value in values:
            try:
                EngineConfig(**(fields | {name: value}))
            except ValidationError as error:
                own = [problem for problem in error.errors() if problem["loc"] == (name,)]
                if own:
                    place = _place(path, text, ("engine", name))
                    raise ContractError(f"{place}: {value}: {own[0]['msg']}: correct it") from None
    _check_constraints(path, text, space)


def _check_constraints(path: Path, text: str, space: Space) -> None:
    some = itertools.islice(space.combinations(), _TRIED)
    if space.size() <= _TRIED and not any(map(space.allows, some)):
        place = _place(path, text, ("constraints",))
        raise ContractError(f"{place}: no combination keeps them: use wider ones or more values")


def _first_problem(path: Path, text: str, error: ValidationError) -> str:
    problem = error.errors()[0]
    where: tuple[str | int, ...] = problem["loc"]
    message = problem["msg"].removeprefix("Value error, ")
    head, colon, rest = message.partition(": ")
    if len(where) == 1 and colon and where[0] in ("engine", "network"):
        # A validator of the whole table names the key first.
        where, message = (*where, head), rest
    if problem["type"] == "extra_forbidden":
        known = ", ".join(_fields_at(where[:-1]))
        message = f"unknown key; keys are: {known}"
    elif problem["type"] != "value_error":
        message = f"{problem['input']!r}: {message}: correct it"
    return f"{_place(path, text, where)}: {message}"


def _place(path: Path, text: str, where: tuple[str | int, ...]) -> str:
    line = line_of(text, where)
    key = ".".join(map(str, where))
    at = "" if line is None else f", line {line}"
    return f"space {path}{at}" + (f", {key}" if key else "")


def _fields_at(where: tuple[str | int, ...]) -> list[str]:
    tables: dict[tuple[str | int, ...], type[BaseModel]] = {
        (): Space,
        ("base",): Base,
        ("search",): Search,
    }
    return list(tables.get(where, Limit).model_fields)
