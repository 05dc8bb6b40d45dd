"""A design space: what is varied, what it is judged by, and how the space is searched."""

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from reports.explore.knobs import (
    ENGINE_KNOBS,
    KNOB_VALUES_SCHEMA,
    NETWORK_KNOBS,
    Value,
    check_network_value,
    knob_values,
)
from reports.explore.metrics import METRICS
from reports.explore.point import Point
from reports.explore.rules import Rule
from reports.resources import tables
from sparsespike.contract.config import EngineConfig, load_base_engine

_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)
Values = Annotated[
    tuple[Value, ...], BeforeValidator(knob_values), WithJsonSchema(KNOB_VALUES_SCHEMA)
]


class Base(BaseModel):
    """What every point has in common where no knob says otherwise."""

    model_config = _STRICT

    network: str = Field(default="nano", description="network of the zoo, or a file")
    engine: str = Field(default="small", description="engine preset, or a TOML file")
    technology: str = Field(default="horowitz-45nm", description="energy table")
    target: str = Field(
        default="xc7",
        description="device family of LUT, BRAM and DSP",
        json_schema_extra={"enum": list(tables())},
    )
    images: int = Field(default=4, ge=1, description="images simulated at each point")
    accuracy_images: int = Field(default=256, ge=0, description="images for accuracy; 0: none")

    @field_validator("target")
    @classmethod
    def _has_a_model(cls, target: str) -> str:
        if target not in tables():
            raise ValueError(
                f"'{target}' has no resource model: choose one of {', '.join(tables())}"
            )
        return target


class Limit(BaseModel):
    """Bounds that the best point keeps."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _one_at_least(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("limits nothing: give min or max")
        return self

    def keeps(self, value: float) -> bool:
        """Whether `value` is within the bounds."""
        low = -math.inf if self.min is None else self.min
        high = math.inf if self.max is None else self.max
        return low <= value <= high


class Search(BaseModel):
    """How points are chosen."""

    model_config = _STRICT

    sampler: Literal["grid", "random", "nsga2", "tpe"] = "grid"
    trials: int = Field(default=200, ge=1, description="points to evaluate; grid takes all")
    seed: int = Field(default=0, ge=0)
    population: int = Field(default=32, ge=2, description="points chosen before any is judged")


@dataclass(frozen=True)
class Knob:
    """One thing that varies."""

    name: str
    values: tuple[Value, ...]
    network: bool

    @property
    def label(self) -> str:
        """Its name in tables: knobs of engine and network may share one."""
        return f"network.{self.name}" if self.network else self.name


class Space(BaseModel):
    """A design space: knobs, constraints, objectives, limits and search."""

    model_config = _STRICT

    name: str = Field(default="", pattern=r"^[\w.-]*$")
    base: Base = Base()
    engine: dict[str, Values] = Field(default={}, description="engine field -> values")
    network: dict[str, Values] = Field(default={}, description="network knob -> values")
    constraints: list[str] = Field(default=[], description="conditions over knobs")
    objectives: list[str] = Field(default=["fps", "energy_uj", "lut"], min_length=1)
    best: str = Field(
        default="energy_uj", description="the figure the best point within limits excels in"
    )
    limits: dict[str, Limit] = {}
    search: Search = Search()

    @field_validator("engine")
    @classmethod
    def _engine_fields(cls, knobs: dict[str, Any]) -> dict[str, Any]:
        for name in knobs:
            if name not in ENGINE_KNOBS:
                known = ", ".join(ENGINE_KNOBS)
                raise ValueError(f"{name}: unknown engine field; fields are: {known}")
        return knobs

    @field_validator("network")
    @classmethod
    def _network_knobs(cls, knobs: dict[str, Any]) -> dict[str, Any]:
        for name, values in knobs.items():
            if name not in NETWORK_KNOBS:
                known = ", ".join(NETWORK_KNOBS)
                raise ValueError(f"{name}: unknown network knob; fields are: {known}")
            for value in values:
                try:
                    check_network_value(name, value)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
        return knobs

    @field_validator("objectives")
    @classmethod
    def _objectives(cls, names: list[str]) -> list[str]:
        for name in names:
            _known_metric(name)
        if len(set(names)) != len(names):
            raise ValueError("an objective stands twice: remove one")
        return names

    @field_validator("best")
    @classmethod
    def _best(cls, name: str) -> str:
        return _known_metric(name)

    @field_validator("limits")
    @classmethod
    def _limits(cls, limits: dict[str, Limit]) -> dict[str, Limit]:
        for name in limits:
            _known_metric(name)
        return limits

    @field_validator("constraints")
    @classmethod
    def _constraints(cls, rules: list[str], info: ValidationInfo) -> list[str]:
        for rule in rules:
            Rule(rule, _names(info.data.get("network", {})))
        return rules

    @model_validator(mode="after")
    def _something_varies(self) -> Self:
        judged = {*self.objectives, self.best, *self.limits}
        if "accuracy_drop" in judged and not self.base.accuracy_images:
            raise ValueError("accuracy_drop needs images: raise base.accuracy_images above 0")
        return self

    @cached_property
    def knobs(self) -> tuple[Knob, ...]:
        """Knobs of the network, then of the engine, each in the order of the file."""
        return tuple(
            Knob(name, values, network)
            for network, table in ((True, self.network), (False, self.engine))
            for name, values in table.items()
        )

    @cached_property
    def base_engine(self) -> EngineConfig:
        """The engine whose fields hold where no knob sets them."""
        return load_base_engine(self.base.engine)

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of everything that decides which points are evaluated, in which order."""
        text = json.dumps(
            {
                **self.model_dump(mode="json", exclude={"name", "best", "limits"}),
                "base_engine": self.base_engine.hash,
            },
            sort_keys=True,
        )
        return hashlib.sha256(text.encode()).hexdigest()

    def size(self) -> int:
        """Combinations of all values, allowed by the constraints or not."""
        return math.prod(len(knob.values) for knob in self.knobs)

    def combinations(self) -> Iterator[Point]:
        """Every combination; the last knob varies fastest."""
        for values in itertools.product(*(knob.values for knob in self.knobs)):
            yield self.point(values)

    def point(self, values: tuple[Value, ...]) -> Point:
        """The point with these values of `knobs`."""
        return Point(values, *self._fields(values))

    def allows(self, point: Point) -> bool:
        """Whether the point keeps every constraint."""
        named = {rule_name(name): value for name, value in point.network.items()}
        return all(rule.holds({**point.engine, **named}) for rule in self._rules)

    @cached_property
    def _rules(self) -> tuple[Rule, ...]:
        return tuple(Rule(text, _names(self.network)) for text in self.constraints)

    def _fields(self, values: tuple[Value, ...]) -> tuple[dict[str, Value], dict[str, Value]]:
        engine: dict[str, Value] = {}
        network: dict[str, Value] = {}
        for knob, value in zip(self.knobs, values, strict=True):
            (network if knob.network else engine)[knob.name] = value
        fields = self.base_engine.model_dump() | engine
        if "attention_units" not in engine:
            fields["attention_units"] = min(fields["attention_units"], fields["clusters"])
        if "weight_bits" in network and "weight_bits" not in engine:
            # Lanes wider than the network's weights would only cost.
            fields["weight_bits"] = network["weight_bits"]
        return fields, network


def rule_name(network_knob: str) -> str:
    """The name of a network knob in constraints, where engine fields go by their own names."""
    return f"network_{network_knob}" if network_knob in ENGINE_KNOBS else network_knob


def _names(network: Mapping[str, Values]) -> tuple[str, ...]:
    return (*ENGINE_KNOBS, *map(rule_name, network))


def _known_metric(name: str) -> str:
    if name not in METRICS:
        raise ValueError(f"unknown figure '{name}'; it must be one of: {', '.join(METRICS)}")
    return name
