"""run_cosim: golden model, simulator and RTL on the same images, compared layer by layer."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cocotb_tests.bus_facts import bus_problems
from cocotb_tests.case import Case, prepare
from cocotb_tests.engine_run import run_frames
from cocotb_tests.launch import FrameResult
from cocotb_tests.observe import Observation, observe
from cocotb_tests.runner import Build, wave_path
from cocotb_tests.scoreboard import LayerCheck, check_frame
from sim.result import SimulationResult
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.network import IntegerNetwork
from sparsespike.contract.program import Program

_CYCLES = COUNTERS.index("cycles")


@dataclass(frozen=True, kw_only=True)
class LayerResult:
    """One layer over all images.

    Attributes:
        mismatches: elements that differ between RTL and golden model, or simulator and golden
            model; mismatches_rtl, mismatches_sim: the two parts.
        cycles_rtl, cycles_sim: totals.
        counters_equal: every counter of every image is the same in simulator and RTL.
    """

    name: str
    mismatches: int
    mismatches_rtl: int
    mismatches_sim: int
    cycles_rtl: int
    cycles_sim: int
    counters_equal: bool


@dataclass(frozen=True, kw_only=True)
class CosimResult:
    """What a co-simulation found.

    Attributes:
        bit_exact: every spike, count, score, kept token and logit is equal in all three.
        cycle_exact: cycles and every counter are equal in simulator and RTL, and the bus agrees.
        kept_rtl, kept_golden: selector -> (images, keep) original token indices; rows of the RTL
            may differ in length.
        rtl_cycles: all images, start to interrupt. rtl_wall_seconds,
            rtl_cpu_seconds: the same in seconds, of the clock on the wall and of the processor.
        first_mismatch: empty if there is none.
        bus_problems: facts of the bus that do not hold, one line each.
        run_dir: folder with trace, log and waves; None where nothing was worth keeping.
    """

    simulator: str
    bit_exact: bool
    cycle_exact: bool
    layers: tuple[LayerResult, ...]
    logits_rtl: list[list[int]]
    logits_sim: list[list[int]]
    logits_golden: list[list[int]]
    kept_rtl: dict[str, list[list[int]]]
    kept_golden: dict[str, list[list[int]]]
    rtl_cycles: int
    rtl_wall_seconds: float
    rtl_cpu_seconds: float
    rtl_build_seconds: float
    sim_wall_seconds: float
    first_mismatch: str
    bus_problems: tuple[str, ...] = ()
    run_dir: Path | None = None
    waves: Path | None = None


def run_cosim(
    network: IntegerNetwork,
    program: Program,
    images: NDArray[np.uint8],
    *,
    simulator: str = "verilator",
    waves: bool = False,
    build_dir: Path | None = None,
) -> CosimResult:
    """Golden model, simulator and RTL on `images`, uint8 (N, H, W, channels).

    Raises RtlBuildError, RtlRunError, ToolMissingError.
    """
    case = prepare(network, program, images)
    return run_cases([case], simulator=simulator, waves=waves, build_dir=build_dir)[0]


def run_cases(
    cases: Sequence[Case], *, external: bool = False, **options: Any
) -> list[CosimResult]:
    """Cases of one engine in one launch of the RTL, one result each.

    external: a memory with random stalls, where cycles are not promised and `cycle_exact` means
    nothing. options: those of `run_frames`. Raises what it raises.
    """
    run = run_frames(cases, external=external, **options)
    judged = [
        judge(case, frames, made=run.build, run_dir=run.run_dir)
        for case, frames in zip(cases, run.frames, strict=True)
    ]
    exact = all(result.bit_exact and (result.cycle_exact or external) for result in judged)
    if exact and not run.build.waves:
        shutil.rmtree(run.run_dir)
        judged = [dataclasses.replace(result, run_dir=None) for result in judged]
    return judged


def judge(
    case: Case, frames: Sequence[FrameResult], *, made: Build, run_dir: Path | None = None
) -> CosimResult:
    """Compares the RTL's frames with golden model and simulator."""
    program, golden, simulated = case.program, case.golden, case.simulated
    seen = [observe(program, frame.trace) for frame in frames]
    counters = np.array([frame.counters for frame in frames], np.int64)
    checks = [
        check_frame(program, image, golden, simulated, seen[image], counters[image])
        for image in range(len(frames))
    ]
    problems = [
        f"image {image}: {text}"
        for image, frame in enumerate(frames)
        for text in bus_problems(program, frame, case.frames[image].output_address)
        + seen[image].problems
    ]
    layers = _layers(program, checks, counters, simulated)
    return CosimResult(
        simulator=made.simulator,
        bit_exact=all(layer.mismatches == 0 for layer in layers)
        and not any(observation.problems for observation in seen)
        and all(frame.finished for frame in frames),
        cycle_exact=all(layer.counters_equal for layer in layers) and not problems,
        layers=layers,
        logits_rtl=[observation.logits.tolist() for observation in seen],
        logits_sim=simulated.logits.tolist(),
        logits_golden=golden.logits.tolist(),
        kept_rtl=_kept(seen),
        kept_golden={name: kept.tolist() for name, kept in golden.kept.items()},
        rtl_cycles=sum(frame.trace.irq_cycle for frame in frames),
        rtl_wall_seconds=sum(frame.seconds for frame in frames),
        rtl_cpu_seconds=sum(frame.cpu_seconds for frame in frames),
        rtl_build_seconds=made.seconds,
        sim_wall_seconds=simulated.wall_seconds,
        first_mismatch=_first(checks, problems),
        bus_problems=tuple(problems),
        run_dir=run_dir,
        waves=wave_path(made, run_dir) if made.waves and run_dir is not None else None,
    )


def _layers(
    program: Program,
    checks: list[list[LayerCheck]],
    counters: NDArray[np.int64],
    simulated: SimulationResult,
) -> tuple[LayerResult, ...]:
    results = []
    for index, layer in enumerate(program.layers):
        own = [frame[index] for frame in checks]
        results.append(
            LayerResult(
                name=layer.name,
                mismatches=sum(check.mismatches for check in own),
                mismatches_rtl=sum(check.golden for check in own),
                mismatches_sim=sum(check.model for check in own),
                cycles_rtl=int(counters[:, index, _CYCLES].sum()),
                cycles_sim=int(simulated.counters[:, index, _CYCLES].sum()),
                counters_equal=all(check.counters_equal for check in own),
            )
        )
    return tuple(results)


def _kept(seen: list[Observation]) -> dict[str, list[list[int]]]:
    names = seen[0].kept if seen else {}
    return {
        name: [
            observation.kept[name].tolist() if name in observation.kept else []
            for observation in seen
        ]
        for name in names
    }


def _first(checks: list[list[LayerCheck]], problems: list[str]) -> str:
    """The earliest difference of the first image that has one: values before counters."""
    for frame in checks:
        for check in frame:
            for found in (check.first, check.first_counter):
                if found is not None:
                    return str(found)
    return problems[0] if problems else ""
