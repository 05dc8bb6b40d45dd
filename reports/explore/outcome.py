"""What an evaluation of a point leaves behind: counters, or the reason why there are none."""

import hashlib
import json
from dataclasses import asdict, dataclass

from reports.explore.point import Point
from sparsespike.contract.errors import ContractError


@dataclass(frozen=True)
class Outcome:
    """One evaluated point.

    Attributes:
        counters: (images, COUNTERS) totals over the layers; empty where the point is infeasible.
        reason: why it is infeasible, one line; empty where it is not.
        program_hash: hash of the program that ran; empty where none was compiled.
        seconds: what the evaluation took, on the clock on the wall.
    """

    counters: tuple[tuple[int, ...], ...] = ()
    reason: str = ""
    program_hash: str = ""
    seconds: float = 0.0

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Outcome":
        """The outcome that `to_json` wrote."""
        raw = json.loads(text)
        counters = tuple(tuple(row) for row in raw.pop("counters"))
        return cls(counters=counters, **raw)


@dataclass(frozen=True)
class Score:
    """How many of `images` labelled images a network classified correctly."""

    right: int
    images: int


def engine_hash(point: Point) -> str:
    """The hash of the point's engine, also where its fields contradict each other."""
    try:
        return point.config().hash
    except ContractError:
        return _digest(json.dumps(dict(point.engine), sort_keys=True))


def outcome_key(*, engine: str, network: str, images: str, code: str) -> str:
    """SHA-256 (hex) of everything that decides an outcome: four hashes."""
    return _digest("\n".join(("outcome", engine, network, images, code)))


def score_key(*, network: str, images: str, code: str) -> str:
    """The same for a network's accuracy, which no engine changes."""
    return _digest("\n".join(("score", network, images, code)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
