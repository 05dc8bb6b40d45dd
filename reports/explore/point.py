"""One point of a design space: an engine and the knobs of a network."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from reports.explore.knobs import Value
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError
from sparsespike.contract.timing import TIMING_FIELDS


@dataclass(frozen=True)
class Point:
    """One combination: its knob values, all engine fields, and the network knobs that are set."""

    values: tuple[Value, ...]
    engine: Mapping[str, Value]
    network: Mapping[str, Value]

    @property
    def shape(self) -> Hashable:
        """Equal for points that differ in timing only, which share most of their evaluation."""
        engine = ((k, v) for k, v in self.engine.items() if k not in TIMING_FIELDS)
        return tuple(engine), tuple(sorted(self.network.items()))

    def config(self) -> EngineConfig:
        """The engine. Raises ContractError with the reason where its fields contradict."""
        try:
            return EngineConfig.model_validate(dict(self.engine))
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(map(str, problem["loc"])) or "engine"
            message = problem["msg"].removeprefix("Value error, ")
            raise ContractError(f"{where}: {message}") from None
