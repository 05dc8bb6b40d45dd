"""Energy tables: what one event of each activity counter costs, and who says so."""

import tomllib
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.errors import ContractError

_TABLES = Path(__file__).parent / "technology"


class EventCost(BaseModel):
    """Cost of one event: `picojoule` for `bits` bits, in proportion for any other width.

    `basis` tells whether the source measured or simulated a circuit, printed the figure without
    saying how, or whether this table estimates it from such figures (`source` then has the sum).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    picojoule: float = Field(gt=0, allow_inf_nan=False)
    bits: int = Field(ge=1)
    basis: Literal["measured", "simulated", "published", "estimate"]
    source: str = Field(min_length=1, description="publication and page, table or figure")

    def picojoule_for(self, bits: int) -> float:
        """Energy of one event that is `bits` wide."""
        return self.picojoule * bits / self.bits


class Technology(BaseModel):
    """One process: every counter is either priced in `events` or explained in `unpriced`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(min_length=1)
    node_nm: float = Field(gt=0)
    voltage: float = Field(gt=0)
    date: str = Field(description="date of the main source, YYYY-MM or YYYY")
    source: str = Field(min_length=1)
    limits: str = Field(min_length=1, description="what the table leaves out")
    events: dict[str, EventCost]
    unpriced: dict[str, str] = Field(description="counter -> why it costs nothing of its own")

    @model_validator(mode="after")
    def _covers_every_counter(self) -> Self:
        both = sorted(self.events.keys() & self.unpriced.keys())
        if both:
            raise ValueError(f"counter '{both[0]}' is in both events and unpriced: keep one")
        named = self.events.keys() | self.unpriced.keys()
        unknown = sorted(named - set(COUNTERS))
        if unknown:
            raise ValueError(f"unknown counter '{unknown[0]}'; counters are: {', '.join(COUNTERS)}")
        missing = [name for name in COUNTERS if name not in named]
        if missing:
            raise ValueError(
                f"counter '{missing[0]}' has no entry: add [events.{missing[0]}], "
                "or a reason under [unpriced]"
            )
        return self


def technologies() -> list[str]:
    """Names of the tables that ship with the package, sorted."""
    return sorted(path.stem for path in _TABLES.glob("*.toml"))


def load_technology(name_or_path: str | Path) -> Technology:
    """A shipped table by name, or the user's own TOML file by path."""
    path = _TABLES / f"{name_or_path}.toml"
    if not path.is_file():
        path = Path(name_or_path)
    if not path.is_file():
        known = ", ".join(technologies())
        raise ContractError(
            f"technology '{name_or_path}' is neither a shipped table nor a file; tables: {known}"
        )
    try:
        return Technology.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContractError(
            f"technology {path}: not valid TOML ({error}): see horowitz-45nm.toml for the form"
        ) from None
    except ValidationError as error:
        raise ContractError(f"technology {path}: {_first_problem(error)}") from None


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    field = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "missing":
        return f"field '{field}' is missing: add it"
    if problem["type"] == "extra_forbidden":
        return f"unknown field '{field}': remove it"
    return f"{field} = {problem['input']!r}: {message}: correct it" if field else message
