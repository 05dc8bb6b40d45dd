"""What the RTL computed in one frame, in the network's own order, from its trace."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cocotb_tests.trace import COUNT, SPIKE, FrameTrace, LayerTrace
from sparsespike.contract.program import Layer, Operation, Output, Program
from sparsespike.contract.tensors import blank, natural_tensor


@dataclass
class Observation:
    """One frame as seen on trace and bus.

    Attributes:
        tensors: layer -> (T, tokens stored, channels) spikes or counts; unwritten: 0.
        cycles: layer -> like `tensors`: cycle of the last write of each element, -1: none.
        scores: selector -> (tokens walked,) score, and score_cycles: cycle of its last write.
        kept: selector -> original indices of the kept tokens.
        logits: (classes,) from the write beats, fewer if the engine wrote fewer.
        problems: what fits no layer: stray rows, missing layers.
    """

    tensors: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    cycles: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    scores: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    score_cycles: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    kept: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    logits: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    problems: list[str] = field(default_factory=list)


def observe(program: Program, trace: FrameTrace) -> Observation:
    """Tensors, scores, kept tokens and logits of a traced frame of `program`."""
    seen = Observation()
    indices = [layer.index for layer in trace.layers]
    if indices != list(range(len(program.layers))):
        seen.problems.append(
            f"layers ended in the order {indices}, not 0..{len(program.layers) - 1}"
        )
    for layer_trace in trace.layers:
        if layer_trace.index < len(program.layers):
            _observe_layer(program, program.layers[layer_trace.index], layer_trace, seen)
    data = b"".join(beat for _, beat in trace.write_beats)
    classes = program.network.classes
    seen.logits = np.frombuffer(data, "<i4")[:classes].astype(np.int64)
    return seen


def stores_counts(layer: Layer) -> bool:
    """Whether `layer` writes residual counts."""
    descriptor = layer.descriptor
    return descriptor.operation == Operation.MATMUL and descriptor.output == Output.COUNT


def _observe_layer(program: Program, layer: Layer, trace: LayerTrace, seen: Observation) -> None:
    if layer.descriptor.destination_rows:
        values, cycles, stray = _stored(program, layer, trace)
        seen.problems += stray
        engine, network = program.engine, program.network
        seen.tensors[layer.name] = natural_tensor(layer, engine, network, values)
        seen.cycles[layer.name] = natural_tensor(layer, engine, network, cycles)
    elif len(trace.rows.cycle):
        seen.problems.append(f"{layer.name} stores no rows, but {len(trace.rows.cycle)} came")
    if layer.descriptor.output == Output.SCORE and layer.descriptor.operation == Operation.MATMUL:
        tokens = layer.descriptor.tokens
        scores, when = np.zeros(tokens, np.int64), np.full(tokens, -1, np.int64)
        for cycle, position, score in trace.scores:
            if position < tokens:
                scores[position], when[position] = score, cycle
        seen.scores[layer.name], seen.score_cycles[layer.name] = scores, when
        kept = sorted(trace.keep, key=lambda entry: entry[1])
        seen.kept[layer.name] = np.array([token for _, _, token in kept], np.int64)


def _stored(
    program: Program, layer: Layer, trace: LayerTrace
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str]]:
    """Stored rows, cycle of each element's last write, and rows that do not belong to `layer`."""
    values = blank(layer, program.engine, program.network, np.int64)
    cycles = np.full_like(values, -1)
    pitch, adders = values.shape[-2:]
    rows = trace.rows
    memory = COUNT if stores_counts(layer) else SPIKE
    index = rows.address - layer.descriptor.destination_base
    inside = (rows.memory == memory) & (index >= 0) & (index < values[..., 0, 0].size)
    stray = [
        f"{layer.name}: row {rows.address[i]} of memory {rows.memory[i]} written at cycle "
        f"{rows.cycle[i]} lies outside the layer's tensor"
        for i in np.flatnonzero(~inside)[:1]
    ]
    if memory == COUNT:
        bits = program.engine.count_bits
        planes = rows.bits.reshape(len(rows.cycle), pitch, adders, bits).astype(np.int64)
        data = planes @ (1 << np.arange(bits))
    else:
        data = rows.bits[:, : pitch * adders].reshape(-1, pitch, adders).astype(np.int64)
    values.reshape(-1, pitch, adders)[index[inside]] = data[inside]
    cycles.reshape(-1, pitch, adders)[index[inside]] = rows.cycle[inside][:, None, None]
    return values, cycles, stray
