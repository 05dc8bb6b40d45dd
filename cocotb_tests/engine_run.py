"""Cases of one engine on its RTL, in one launch."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cocotb_tests.case import Case, place_frames, save_expected
from cocotb_tests.launch import Frame, FrameResult, launch
from cocotb_tests.memory_image import MemoryImage
from cocotb_tests.registers import bench_registers
from cocotb_tests.rtl import engine_build, row_bits
from cocotb_tests.runner import Build

_STALL_FACTOR = 30
"""Cycles that random stalls may cost, as a multiple of the promised ones."""


@dataclass(frozen=True, kw_only=True)
class EngineRun:
    """Frames of every case, in the order of the cases, and the folder they ran in."""

    build: Build
    frames: list[list[FrameResult]]
    run_dir: Path


def run_frames(
    cases: Sequence[Case],
    *,
    simulator: str = "verilator",
    waves: bool = False,
    activity: bool = False,
    build_dir: Path | None = None,
    verilog: Sequence[Path] | None = None,
    program_images: Sequence[bytes] | None = None,
    external: bool = False,
    stall_probability: float = 0.0,
    limit_cycles: int = 0,
) -> EngineRun:
    """Runs every image of every case.

    activity: write a SAIF file, at `wave_path` of the build.
    verilog: sources to use instead of the engine's own. program_images: what the RTL reads
    instead of the cases' own program images. external: a memory model with random stalls.
    limit_cycles: give a frame up after these; 0: after twice what the simulator says.
    Raises RtlBuildError, RtlRunError, ToolMissingError.
    """
    engine = cases[0].program.engine
    if any(case.program.engine != engine for case in cases):
        raise ValueError("all cases of a launch must share one engine")
    memory = MemoryImage(beat_bytes=engine.axi_data_bits // 8, simulator=simulator)
    for number, case in enumerate(cases):
        place_frames(memory, case, program_images[number] if program_images else None)
    frames = [frame for case in cases for frame in case.frames]
    if external:
        frames = [_stalled(frame, stall_probability, seed) for seed, frame in enumerate(frames)]
    if limit_cycles:
        frames = [dataclasses.replace(frame, limit_cycles=limit_cycles) for frame in frames]
    made = engine_build(
        engine,
        memory_beats=memory.beats,
        simulator=simulator,
        waves=waves,
        activity=activity,
        build_dir=build_dir,
        verilog=verilog,
    )
    run_dir = _run_dir(made)
    for number, case in enumerate(cases):
        save_expected(case, run_dir / f"expected-{number}.npz")
    results = launch(
        made,
        frames,
        memory,
        registers=bench_registers(),
        row_bits=row_bits(engine),
        external=external,
        run_dir=run_dir,
    )
    grouped = []
    for case in cases:
        grouped.append(results[: len(case.frames)])
        results = results[len(case.frames) :]
    return EngineRun(build=made, frames=grouped, run_dir=run_dir)


def _stalled(frame: Frame, probability: float, seed: int) -> Frame:
    return dataclasses.replace(
        frame,
        stall_probability=probability,
        stall_seed=seed,
        limit_cycles=frame.limit_cycles * _STALL_FACTOR,
    )


def _run_dir(made: Build) -> Path:
    base = made.directory / "runs"
    base.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(dir=base))
