"""A recipe with single values replaced, as the command line asks for."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from model.recipe import Recipe
from sparsespike.contract.errors import ContractError


@dataclass(frozen=True)
class Overrides:
    """What replaces a recipe's own values; None leaves them.

    sparsity, rate, rewind: of [prune]. keep_ratio, weight_bits: of [network]. max_epochs: no cycle
    is longer. images: how many images there are to train on; no batch is larger.
    """

    sparsity: float | None = None
    rate: float | None = None
    rewind: str | None = None
    keep_ratio: float | None = None
    weight_bits: int | None = None
    max_epochs: int | None = None
    images: int | None = None

    def apply(self, recipe: Recipe) -> Recipe:
        """The recipe with these values; ContractError names the option of one that is wrong."""
        values = recipe.model_dump()
        chosen = {"sparsity": self.sparsity, "rate": self.rate, "rewind": self.rewind}
        values["prune"] |= {name: value for name, value in chosen.items() if value is not None}
        shape = {"keep_ratio": self.keep_ratio, "weight_bits": self.weight_bits}
        values["network"] |= {name: value for name, value in shape.items() if value is not None}
        if self.max_epochs is not None:
            values = _shortened(values, self.max_epochs)
        if self.images is not None:
            training = values["training"]
            training["batch"] = min(training["batch"], self.images)
        try:
            return Recipe.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            option = str(first["loc"][-1]).replace("_", "-")
            raise ContractError(f"--{option} {first['input']}: {first['msg']}") from error


def _shortened(values: dict[str, Any], epochs: int) -> dict[str, Any]:
    """Every cycle cut, the epoch to rewind to as well: it must lie within the dense training."""
    if epochs < 1:
        raise ContractError(f"--max-epochs {epochs}: must be at least 1")

    def cut(cycle: dict[str, Any] | None) -> dict[str, Any] | None:
        return cycle and {**cycle, "epochs": min(cycle["epochs"], epochs)}

    prune, controls = values["prune"], values["controls"]
    rewind_epoch = min(prune["rewind_epoch"], epochs - 1)
    return values | {
        "dense": tuple(cut(cycle) for cycle in values["dense"]),
        "prune": {
            **prune,
            "cycle": cut(prune["cycle"]),
            "settle": cut(prune["settle"]),
            "rewind_epoch": rewind_epoch,
        },
        "select": cut(values["select"]),
        "finish": cut(values["finish"]),
        "tune": cut(values["tune"]),
        "controls": controls and {name: cut(cycle) for name, cycle in controls.items()},
    }
