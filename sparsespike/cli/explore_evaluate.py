"""What a worker does: one network on one engine, exactly simulated. No torch is loaded.

Points that differ in timing only follow each other, so a process keeps the program, the decoded
weights and the work of every image of the last such group: each of its points is only timed.
"""

import threading
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reports.explore.outcome import Outcome, Score
from sparsespike.compiler import compile_network
from sparsespike.compiler.retime import retime
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerNetwork
from sparsespike.contract.program import Program
from sparsespike.contract.timing import TIMING_FIELDS

if TYPE_CHECKING:
    from sim.machine import Machine
    from sim.replay import Recording

KEPT_BYTES = 512 * 2**20
"""Work of images that a process keeps at most; those beyond are computed anew at each point."""

_ONE_AT_A_TIME = threading.Lock()
"""A decoded program has one set of scratch arrays; workers may have several threads."""


def evaluate(network: IntegerNetwork, engine: EngineConfig, images: NDArray[np.uint8]) -> Outcome:
    """Counters of every image; the compiler's reason where the network does not fit the engine."""
    with _ONE_AT_A_TIME:
        started = time.perf_counter()
        group = _prepared(_Group(network, engine, images))
        if isinstance(group, str):
            return Outcome(reason=group, seconds=time.perf_counter() - started)
        machine = timed(group.machine, engine)
        counters = (_counters(machine, group, index) for index in range(len(images)))
        return Outcome(
            counters=tuple(tuple(rows.sum(axis=0).tolist()) for rows in counters),
            program_hash=machine.program.hash,
            seconds=time.perf_counter() - started,
        )


def timed(machine: "Machine", engine: EngineConfig) -> "Machine":
    """The machine of the same program for an engine that differs in timing only."""
    from sim.frame import frame_start
    from sim.state import engine_numbers

    program = retime(machine.program, engine)
    numbers, start = engine_numbers(engine), frame_start(program)
    return replace(machine, program=program, engine=numbers, start=start)


class _Group:
    """What is evaluated; equal to all that differ in timing only."""

    def __init__(
        self, network: IntegerNetwork, engine: EngineConfig, images: NDArray[np.uint8]
    ) -> None:
        self.network, self.engine, self.images = network, engine, images
        shape = engine.model_dump(exclude=set(TIMING_FIELDS))
        # The network by identity: whoever keeps this key keeps the network.
        self._key = (id(network), tuple(shape.items()), images.shape, images.tobytes())

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Group) and self._key == other._key


@dataclass(frozen=True, eq=False)
class _Prepared:
    """recordings: of the first images, as many as there is room for."""

    machine: "Machine"
    images: NDArray[np.uint8]
    recordings: tuple["Recording", ...]


@lru_cache(maxsize=1)
def _prepared(group: _Group) -> _Prepared | str:
    """Program and work of a group, or the compiler's reason why there is none."""
    from sim.machine import build_machine
    from sim.replay import record

    try:
        program: Program = compile_network(group.network, group.engine)
    except ContractError as error:
        return str(error)
    machine = build_machine(program)
    recordings: list[Recording] = []
    for image in group.images:
        made = record(machine, image)
        if sum(kept.nbytes for kept in (*recordings, made)) > KEPT_BYTES:
            break
        recordings.append(made)
    return _Prepared(machine, group.images, tuple(recordings))


def _counters(machine: "Machine", group: _Prepared, index: int) -> NDArray[np.int64]:
    """(layers, counters) of an image."""
    from sim.machine import run_image
    from sim.replay import replay

    if index < len(group.recordings):
        return replay(machine, group.recordings[index])
    return run_image(machine, group.images[index], keep_rows=False).counters


def classify(
    network: IntegerNetwork,
    engine: EngineConfig,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
) -> Score:
    """How many images the network classifies correctly.

    Logits are those of any engine that the network fits; where it does not fit `engine`, the
    integer model computes them, which needs torch.
    """
    logits = _logits(network, engine, images)
    return Score(int((logits.argmax(1) == labels).sum()), len(labels))


def _logits(
    network: IntegerNetwork, engine: EngineConfig, images: NDArray[np.uint8]
) -> NDArray[np.int64]:
    from sim import simulate

    try:
        return simulate(compile_network(network, engine), images).logits
    except ContractError:
        from model.integer import golden_forward

        return np.asarray(golden_forward(network, images).logits)
