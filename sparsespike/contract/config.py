"""EngineConfig: the knobs of one sparse spike processing engine, validated, and its presets."""

from __future__ import annotations

import hashlib
import json
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sparsespike.contract.errors import ContractError

MAX_TILE_CHANNELS = 64
"""Output channels of a tile: lanes times channels of a lane."""
_PRESETS = Path(__file__).parent / "presets"
_SHAPE = ("lanes", "lane_channels", "chunk", "time_steps")
"""Fields that decide how much of its memories a network fills."""


class EngineConfig(BaseModel):
    """Every parameter of an engine. Frozen; unknown keys and wrong types are refused.

    Depths count the unit their comment names; derived widths and latencies live in
    `sparsespike.contract.derived`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    clusters: int = Field(ge=1, le=32, description="broadcasters, each with its own lanes")
    lanes: int = Field(ge=1, le=64, description="lanes per cluster, one addition a cycle each")
    lane_channels: Literal[1, 2] = Field(description="output channels a lane holds at a time")
    lane_kind: Literal["matching", "serial"] = Field(
        default="matching",
        description="of a matched chunk, a lane adds the matches, or walks all of its weights",
    )
    chunk: int = Field(ge=4, le=64, description="input channels per chunk, a power of two")
    fifo_depth: int = Field(ge=1, le=64, description="matched chunks a lane can queue")
    time_steps: int = Field(ge=1, le=16, description="adders per lane, one time step each")
    weight_bits: Literal[4, 6, 8] = Field(description="widest weight the lanes take")
    axi_data_bits: Literal[64, 128] = Field(description="data width of the AXI4 master")
    memory_latency: int = Field(ge=1, le=1000, description="cycles from read address to data")
    memory_interval: int = Field(ge=1, le=64, description="cycles per beat of the external memory")
    clock_mhz: float = Field(gt=0, le=2000, description="clock assumed by reports, MHz")
    mask_depth: int = Field(ge=1, le=65536, description="mask words (chunk bits) per lane and tile")
    weight_depth: int = Field(ge=1, le=65536, description="non-zero weights per lane and tile")
    spike_depth: int = Field(ge=16, le=1 << 22, description="chunk words in the spike memory")
    count_depth: int = Field(
        ge=16, le=1 << 22, description="chunk words in the residual count memory"
    )
    count_bits: int = Field(ge=1, le=6, description="bits of a residual count")
    digit_bits: Literal[1, 2] = Field(
        default=1, description="bits of a residual count that one broadcast beat carries"
    )
    max_tokens: int = Field(ge=1, le=1024, description="entries of token list and score memory")
    max_layers: int = Field(ge=4, le=128, description="descriptors on chip")
    max_classes: int = Field(ge=2, le=1024, description="logits on chip")
    attention_units: int = Field(ge=1, le=32, description="clusters that own an attention unit")
    head_slots: int = Field(ge=4, le=256, description="padded channels of one attention head")
    attention_depth: int = Field(ge=4, le=4096, description="K^T V rows: slots x step groups")
    accumulator_bits: int = Field(ge=12, le=32, description="bits of a lane accumulator, signed")
    membrane_bits: int = Field(ge=16, le=48, description="bits of a scaled membrane, signed")

    @model_validator(mode="after")
    def _consistent(self) -> EngineConfig:
        if self.chunk & (self.chunk - 1):
            raise ValueError(f"chunk must be a power of two, not {self.chunk}")
        if self.lanes * self.lane_channels > MAX_TILE_CHANNELS:
            raise ValueError(
                f"lanes * lane_channels must be at most {MAX_TILE_CHANNELS}, "
                f"not {self.lanes * self.lane_channels}"
            )
        if self.attention_units > self.clusters:
            raise ValueError(
                f"attention_units must be at most clusters ({self.clusters}), "
                f"not {self.attention_units}"
            )
        if self.digit_bits > self.count_bits:
            raise ValueError(
                f"digit_bits must be at most count_bits ({self.count_bits}), not {self.digit_bits}"
            )
        if self.membrane_bits <= self.accumulator_bits:
            raise ValueError(
                f"membrane_bits must exceed accumulator_bits ({self.accumulator_bits}), "
                f"not {self.membrane_bits}"
            )
        return self

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of the canonical JSON of all fields but those at a default of the class.

        A field that came later thus leaves the hash of every engine that does without it.
        """
        fields = self.model_dump(exclude_defaults=True)
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def engine_presets() -> list[str]:
    """Names of the presets that ship with the package, sorted."""
    return sorted(path.stem for path in _PRESETS.glob("*.toml"))


def load_engine(name_or_path: str | Path, **overrides: Any) -> EngineConfig:
    """An engine from a preset name or a TOML file; fields absent from a file come from `small`.

    `small` has the sizes that its network needs on its own lanes. Files, other presets and
    overrides that change lanes, chunk or adders take those of its table `elsewhere` instead.

    Raises ContractError with one line that names file, field, value and remedy.
    """
    return _load(name_or_path, overrides, varied=False)


def load_base_engine(name_or_path: str | Path) -> EngineConfig:
    """The same engine to vary its fields: `small` with the sizes of its table `elsewhere`.

    Raises ContractError.
    """
    return _load(name_or_path, {}, varied=True)


def _load(name_or_path: str | Path, overrides: dict[str, Any], *, varied: bool) -> EngineConfig:
    path = _PRESETS / f"{name_or_path}.toml"
    if not path.is_file():
        path = Path(name_or_path)
    if not path.is_file():
        known = ", ".join(engine_presets())
        raise ContractError(
            f"engine '{name_or_path}' is neither a preset nor a file; presets: {known}"
        )
    small = _read_toml(_PRESETS / "small.toml")
    elsewhere = small.pop("elsewhere")
    is_small = path == _PRESETS / "small.toml"
    own = {} if is_small else _read_toml(path)
    varied |= any(overrides.get(name, small[name]) != small[name] for name in _SHAPE)
    if varied or not is_small:
        small |= elsewhere
    fields = small | own | overrides
    if "attention_units" not in (overrides if "clusters" in overrides else own):
        fields["attention_units"] = _at_most(fields["attention_units"], fields["clusters"])
    try:
        return EngineConfig(**fields)
    except ValidationError as error:
        raise ContractError(f"engine {path}: {_first_problem(error)}") from None


def _at_most(units: Any, clusters: Any) -> Any:
    """Attention units nobody chose follow the clusters; wrong types are left for the validator."""
    return min(units, clusters) if isinstance(clusters, int) and clusters > 0 else units


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContractError(
            f"engine {path}: not valid TOML ({error}); see a preset for the form"
        ) from None


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    field = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        known = ", ".join(EngineConfig.model_fields)
        return f"unknown field '{field}'; fields are: {known}"
    return f"{field} = {problem['input']!r}: {message}" if field else message
