"""What a worker does: one network on one engine, exactly simulated. No torch is loaded."""

import time

import numpy as np
from numpy.typing import NDArray

from reports.explore.outcome import Outcome, Score
from sparsespike.compiler import compile_network
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerNetwork


def evaluate(network: IntegerNetwork, engine: EngineConfig, images: NDArray[np.uint8]) -> Outcome:
    """Counters of every image; the compiler's reason where the network does not fit the engine."""
    from sim import simulate

    started = time.process_time()
    try:
        program = compile_network(network, engine)
    except ContractError as error:
        return Outcome(reason=str(error), seconds=time.process_time() - started)
    run = simulate(program, images)
    return Outcome(
        counters=tuple(tuple(row) for row in run.counters.sum(axis=1).tolist()),
        program_hash=program.hash,
        seconds=time.process_time() - started,
    )


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
