"""What a worker does: one network on one engine, exactly simulated. No torch is loaded."""

import hashlib
import time
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reports.explore.outcome import Outcome, Score
from sparsespike.compiler import compile_network
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerNetwork
from sparsespike.contract.program import Program

if TYPE_CHECKING:
    from sim.machine import Machine

TIMING_FIELDS = ("fifo_depth", "memory_latency", "memory_interval", "clock_mhz")
"""Fields that say when things happen, not what the weight stream and the memories hold."""


def evaluate(network: IntegerNetwork, engine: EngineConfig, images: NDArray[np.uint8]) -> Outcome:
    """Counters of every image; the compiler's reason where the network does not fit the engine."""
    from sim.machine import run_image

    started = time.perf_counter()
    try:
        program = compile_network(network, engine)
    except ContractError as error:
        return Outcome(reason=str(error), seconds=time.perf_counter() - started)
    machine = decoded(program)
    runs = [run_image(machine, image, keep_rows=False).counters.sum(axis=0) for image in images]
    return Outcome(
        counters=tuple(tuple(row.tolist()) for row in runs),
        program_hash=program.hash,
        seconds=time.perf_counter() - started,
    )


def decoded(program: Program) -> "Machine":
    """The program ready for simulation; programs that differ in timing only are decoded once."""
    from sim.frame import frame_start
    from sim.state import engine_numbers, layer_numbers

    return replace(
        _machine(_Decodable(program)),
        program=program,
        engine=engine_numbers(program.engine),
        layers=layer_numbers(program),
        start=frame_start(program),
    )


class _Decodable:
    """A program, equal to any other with the same weight stream, shapes and layers."""

    def __init__(self, program: Program) -> None:
        self.program = program
        digest = hashlib.sha256(program.weight_stream().tobytes())
        for layer in program.layers:
            digest.update(layer.descriptor.pack())
        shape = program.engine.model_dump(exclude=set(TIMING_FIELDS))
        self._key = (digest.digest(), tuple(shape.items()))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Decodable) and self._key == other._key


@lru_cache(maxsize=4)
def _machine(key: _Decodable) -> "Machine":
    from sim.machine import build_machine

    return build_machine(key.program)


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
