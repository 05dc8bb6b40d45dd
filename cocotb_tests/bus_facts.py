"""What a frame's bus traffic must obey, whatever the simulator says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cocotb_tests.launch import FrameResult
from cocotb_tests.registers import decode_status
from sparsespike.contract import derived
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.program import Program

_CYCLES = COUNTERS.index("cycles")
_READS = COUNTERS.index("dma_read_beats")


def bus_problems(program: Program, frame: FrameResult, output_address: int) -> list[str]:
    """Facts of the bus that do not hold for a finished frame, one line each."""
    problems = [f"AXI violation at {text}" for text in frame.trace.violations]
    status = decode_status(frame.status)
    if not frame.finished:
        problems.append("no interrupt within the limit")
    if status.error != "NONE":
        problems.append(f"engine error {status.error} in layer {status.layer}")
    counters = np.array(frame.counters, np.int64)
    return problems + _timing(frame, counters) + _traffic(program, frame, counters, output_address)


def _timing(frame: FrameResult, counters: NDArray[np.int64]) -> list[str]:
    """The layers' cycles sum to the cycle of the interrupt, and each ends where it should."""
    problems = []
    ends = np.cumsum(counters[:, _CYCLES])
    measured = frame.trace.irq_cycle
    for name, value in (("layer cycles sum to", int(ends[-1])), ("CYCLES holds", frame.cycles)):
        if value != measured:
            problems.append(
                f"start to interrupt took {measured} cycles on the bus, but {name} {value}"
            )
    for layer in frame.trace.layers:
        if layer.index < len(ends) and layer.last_cycle != ends[layer.index] - 1:
            problems.append(
                f"layer {layer.index} ended in cycle {layer.last_cycle}, its counters say "
                f"{ends[layer.index] - 1}"
            )
            break
    return problems


def _traffic(
    program: Program, frame: FrameResult, counters: NDArray[np.int64], output_address: int
) -> list[str]:
    """Every beat the program holds was read, no beat twice, and the logits went where asked."""
    engine, header, trace = program.engine, program.header, frame.trace
    beats = (
        derived.descriptor_beats(engine) * (1 + header["layers"])
        + derived.ceil_div(header["pixels"], derived.pixels_per_beat(engine))
        + header["weight_beats"]
    )
    problems = []
    if trace.read_beats != beats:
        problems.append(f"{trace.read_beats} beats read, the program and its image hold {beats}")
    if counters[:, _READS].sum() != trace.read_beats:
        problems.append(
            f"{trace.read_beats} beats read on the bus, dma_read_beats sums to "
            f"{counters[:, _READS].sum()}"
        )
    logits = derived.ceil_div(program.network.classes, derived.logits_per_beat(engine))
    if len(trace.write_beats) != logits:
        problems.append(f"{len(trace.write_beats)} beats written, the logits take {logits}")
    address = output_address
    for _, start, length in trace.write_bursts:
        if start != address:
            problems.append(f"logits written to address {start}, not {address}")
            break
        address += length * engine.axi_data_bits // 8
    return problems
