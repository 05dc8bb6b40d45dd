"""The range of every number a lane can hold, from its weights and the highest inputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sparsespike.compiler.dataflow import Flow
from sparsespike.compiler.refuse import require
from sparsespike.contract import derived, numeric
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerLayer
from sparsespike.contract.program import Accumulate, Output

_VALUE_BITS = 32
_REMEDY = "prune or quantize to smaller weights"


def lane_thresholds(
    engine: EngineConfig, flow: Flow, layer: IntegerLayer, time_steps: int
) -> NDArray[np.int64]:
    """(out,) thresholds that fit the membrane, for a layer with weights; 0 without neurons.

    A threshold that no input can reach becomes the highest membrane + 1, which none reaches either.
    Bias and current have the accumulator's width. Raises ContractError if these, the membrane or a
    score or logit are wider than the engine's.
    """
    flat = layer.weight.reshape(len(layer.weight), -1).astype(np.int64)
    negative, positive = np.minimum(flat, 0).sum(1), np.maximum(flat, 0).sum(1)
    scale = _adder_scale(engine, flow, time_steps)
    _check_accumulator(engine, flow, negative * scale, positive * scale)
    _check_accumulator(engine, flow, layer.bias, layer.bias)
    scale = _value_scale(flow, time_steps)
    low, high = negative * scale + layer.bias, positive * scale + layer.bias
    if flow.output in (Output.SPIKE, Output.COUNT):
        _check_accumulator(engine, flow, low, high)
        return _thresholds(engine, flow, layer.threshold, low, high, time_steps)
    _check_bits(_VALUE_BITS, flow, "score or logit", low, high)
    return np.zeros(len(flat), np.int64)


def attention_threshold(
    engine: EngineConfig, flow: Flow, layer: IntegerLayer, time_steps: int, head_channels: int
) -> int:
    """The descriptor's threshold of an attention layer; refuses what does not fit."""
    low, high = np.zeros(1, np.int64), np.full(1, flow.tokens * head_channels)
    _check_accumulator(engine, flow, low, high)
    return int(_thresholds(engine, flow, layer.threshold, low, high, time_steps)[0])


def _adder_scale(engine: EngineConfig, flow: Flow, time_steps: int) -> int:
    """Highest multiple of a weight that one adder gathers before it is handed over."""
    if flow.pixel:
        return sum(1 << shift for shift in range(0, derived.PIXEL_BITS, engine.time_steps))
    groups = derived.step_groups(engine, time_steps)
    walks = {Accumulate.GROUP: 1, Accumulate.TOKEN: groups, Accumulate.ALL: groups * flow.tokens}
    return flow.input_max * walks[flow.accumulate]


def _value_scale(flow: Flow, time_steps: int) -> int:
    """Highest multiple of a weight in what is handed over, all adders together where they are."""
    walks = {
        Accumulate.GROUP: 1,
        Accumulate.TOKEN: time_steps,
        Accumulate.ALL: time_steps * flow.tokens,
    }
    return flow.input_max * walks[flow.accumulate]


def _thresholds(
    engine: EngineConfig,
    flow: Flow,
    threshold: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    time_steps: int,
) -> NDArray[np.int64]:
    if threshold.min() < 1:
        raise ContractError(
            f"layer {flow.name}: threshold {threshold.min()} is not positive; quantize again"
        )
    total = 2**time_steps - 1
    bottom, top = np.minimum(low, 0) * total, np.maximum(high, 0) * total
    clamped: NDArray[np.int64] = np.minimum(threshold, top + 1)
    _check_bits(engine.membrane_bits, flow, "membrane (membrane_bits)",
                bottom, np.maximum(top, clamped))  # fmt: skip
    return clamped


def _check_accumulator(
    engine: EngineConfig, flow: Flow, low: NDArray[np.int64], high: NDArray[np.int64]
) -> None:
    _check_bits(engine.accumulator_bits, flow, "accumulator (accumulator_bits)", low, high)


def _check_bits(
    has: int, flow: Flow, what: str, low: NDArray[np.int64], high: NDArray[np.int64]
) -> None:
    needs = numeric.signed_bits(int(low.min()), int(high.max()))
    remedy = f"raise {what.split('(')[1][:-1]} to {needs} or {_REMEDY}" if "(" in what else _REMEDY
    require(f"layer {flow.name}", f"{what}, bits,", needs, has, remedy)
