"""Recipe: how one network is trained, pruned and taught to select tokens; presets in recipes/."""

import hashlib
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from model.augment import Augmentation
from model.prune import DENSITY_FLOOR, Score
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import NetworkConfig

_PRESETS = Path(__file__).parent / "recipes"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Cycle(_Strict):
    """One cycle of the learning rate: warm-up, then cosine decay to zero."""

    epochs: int = Field(ge=1)
    rate: float = Field(gt=0, description="highest learning rate")
    time_steps: int | None = Field(
        default=None, ge=1, description="train with fewer time steps than the network runs with"
    )


class Training(_Strict):
    """What all stages share."""

    batch: int = Field(default=128, ge=1)
    weight_decay: float = Field(default=0.02, ge=0)
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    mixup: float = Field(default=0.0, ge=0, description="alpha of the Beta distribution, 0: none")
    augment: Augmentation = "light"


class Pruning(_Strict):
    """Rounds of global pruning by magnitude (Frankle and Carbin, ICLR 2019)."""

    sparsity: float = Field(gt=0, lt=1, description="zeros among all weights after the last round")
    rate: float = Field(default=0.25, gt=0, lt=1, description="share removed a round")
    floor: float = Field(default=DENSITY_FLOOR, ge=0, lt=1, description="least density of a tensor")
    small_floor: float = Field(
        default=DENSITY_FLOOR, ge=0, lt=1, description="the same for tensors with few weights"
    )
    score: Score = Field(default="magnitude", description="what ranks the weights: |w| or LAMP")
    rewind: Literal["weights", "rate"] = "weights"
    rewind_epoch: int = Field(default=1, ge=0, description="epoch of the last dense cycle")
    cycle: Cycle
    settle: Cycle | None = Field(default=None, description="after the last round, same masks")


class Controls(_Strict):
    """Equal short trainings that measure what a ticket and a selector are worth."""

    ticket: Cycle
    tokens: Cycle


class Recipe(_Strict):
    """A network and all stages of its training; `dense` cycles run in order."""

    name: str
    network: NetworkConfig
    training: Training = Training()
    dense: tuple[Cycle, ...] = Field(min_length=1)
    prune: Pruning
    select: Cycle | None = Field(default=None, description="selectors learn by Gumbel decisions")
    finish: Cycle | None = Field(default=None, description="tokens dropped as the hardware does")
    tune: Cycle | None = Field(
        default=None, description="with rounded weights, through the quantiser"
    )
    controls: Controls | None = None

    @field_validator("tune")
    @classmethod
    def _tuned_with_all_steps(cls, tune: Cycle | None) -> Cycle | None:
        if tune is not None and tune.time_steps is not None:
            raise ValueError("rounding is tuned with all time steps; leave time_steps out")
        return tune

    def hash(self) -> str:
        """First 16 hex digits of the SHA-256 of all fields: which recipe made a network."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


def recipe_names() -> tuple[str, ...]:
    """Names of the recipes that ship with the package."""
    return tuple(sorted(path.stem for path in _PRESETS.glob("*.toml")))


def load_recipe(name_or_path: str | Path) -> Recipe:
    """A shipped recipe by name, or one from a TOML file; ContractError names a bad field."""
    path = Path(name_or_path)
    if str(name_or_path) in recipe_names():
        path = _PRESETS / f"{name_or_path}.toml"
    elif not path.is_file():
        raise ContractError(
            f"recipe '{name_or_path}' is neither shipped nor a file; "
            f"recipes: {', '.join(recipe_names())}"
        )
    try:
        values = tomllib.loads(path.read_text())
        return Recipe.model_validate_json(_json({"name": path.stem, **values}))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContractError(f"recipe {path}: not TOML ({error}); correct the line") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ContractError(f"recipe {path}: {place}: {first['msg']}; correct it") from error


def _json(values: dict[str, Any]) -> str:
    """Through JSON, since strict models take lists for tuples from there only."""
    import json

    return json.dumps(values)
