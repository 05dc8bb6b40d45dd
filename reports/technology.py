"""Energy tables: what one event of each activity counter costs, and who says so."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.errors import ContractError

_TABLES = Path(__file__).parent / "technology"
_INHERITED = ("node_nm", "voltage", "date")

Stated = Annotated[float, Field(gt=0, allow_inf_nan=False)] | Literal["unstated"]
Picojoule = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Sourced(BaseModel):
    """Where a figure comes from; node, voltage and date are the table's unless given.

    `basis` tells whether the source measured or simulated a circuit, printed the figure without
    saying how, or whether this table estimates it from such figures (`source` then has the sum).
    `mark`: V read in the primary artefact, A in an abstract, N a third party's note, D derived.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    basis: Literal["measured", "simulated", "published", "estimate"]
    mark: Literal["V", "A", "N", "D"]
    source: str = Field(min_length=1, description="publication and page, table, figure or file")
    node_nm: Stated
    voltage: Stated
    date: str = Field(min_length=4, description="YYYY or YYYY-MM of the source")


class EventCost(Sourced):
    """Cost of one event: `picojoule` for `bits` bits, in proportion for any other width.

    With `bits = "any"` an event costs the same however wide it is.
    """

    picojoule: Picojoule
    bits: Annotated[int, Field(ge=1)] | Literal["any"]

    def picojoule_for(self, bits: int) -> float:
        """Energy of one event that is `bits` wide."""
        return self.picojoule if self.bits == "any" else self.picojoule * bits / self.bits


class StandingCost(Sourced):
    """What the engine takes whether it works or not: `picojoule` a cycle, or `microwatt`.

    The first is dynamic (the clock), the second static (leakage); both are for one `per`.
    """

    per: Literal["register_bit", "memory_bit", "engine"]
    picojoule: Picojoule | None = None
    microwatt: Picojoule | None = None
    lowest: Picojoule | None = Field(default=None, description="microwatt, low end of sources")
    highest: Picojoule | None = Field(default=None, description="microwatt, high end of sources")
    interval_source: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.picojoule is None) == (self.microwatt is None):
            raise ValueError("must have either picojoule (a cycle) or microwatt, not both or none")
        return self

    @model_validator(mode="after")
    def _interval_holds_the_figure(self) -> Self:
        given = (self.lowest, self.highest, self.interval_source)
        if given == (None, None, None):
            return self
        if None in given or self.microwatt is None:
            raise ValueError("an interval needs microwatt, lowest, highest and interval_source")
        if not (self.lowest or 0) <= self.microwatt <= (self.highest or 0):
            raise ValueError("microwatt must lie between lowest and highest")
        return self

    @property
    def static(self) -> bool:
        """Whether it is paid by time rather than by cycles."""
        return self.microwatt is not None

    @property
    def relative_interval(self) -> tuple[float, float]:
        """Low and high end as factors of the figure; 1 and 1 where the table gives no interval."""
        if self.microwatt is None or self.lowest is None or self.highest is None:
            return 1.0, 1.0
        return self.lowest / self.microwatt, self.highest / self.microwatt

    def picojoule_a_cycle(self, clock_mhz: float) -> float:
        """Energy of one `per` in one cycle."""
        if self.microwatt is not None:
            return self.microwatt / clock_mhz
        return self.picojoule or 0.0


class Technology(BaseModel):
    """One process: every counter is either priced in `events` or explained in `unpriced`.

    `operations` are prices of whole synaptic operations, used by `reports.convention` only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(min_length=1)
    node_nm: float = Field(gt=0)
    voltage: Stated
    date: str = Field(description="date of the main source, YYYY-MM or YYYY")
    source: str = Field(min_length=1)
    limits: str = Field(min_length=1, description="what the table leaves out")
    events: dict[str, EventCost]
    unpriced: dict[str, str] = Field(description="counter -> why it costs nothing of its own")
    standing: dict[str, StandingCost] = Field(default={}, description="clock tree and leakage")
    operations: dict[Literal["ac", "mac"], EventCost] = Field(default={})

    @model_validator(mode="before")
    @classmethod
    def _inherit(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        own = {key: values[key] for key in _INHERITED if key in values}
        filled = dict(values)
        for group in ("events", "standing", "operations"):
            entries = values.get(group)
            if isinstance(entries, dict):
                filled[group] = {
                    name: own | entry if isinstance(entry, dict) else entry
                    for name, entry in entries.items()
                }
        return filled

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
        taken = sorted(self.standing.keys() & set(COUNTERS))
        if taken:
            raise ValueError(f"standing cost '{taken[0]}' has a counter's name: rename it")
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
    if problem["type"] == "value_error":
        return f"{field}: {message}: correct it" if field else message
    return f"{field} = {problem['input']!r}: {message}: correct it" if field else message
