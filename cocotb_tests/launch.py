"""One launch of the simulation: many frames on one engine, their files in, their traces out."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cocotb_tests.memory_image import MemoryImage
from cocotb_tests.runner import Build, run
from cocotb_tests.trace import FrameTrace, read_trace

BENCH = "cocotb_tests.benches.network"


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One start of the engine.

    Attributes:
        layers: how many layers' counters to read afterwards.
        limit_cycles: the frame is given up after these.
        stall_probability, stall_seed: random stalls on all AXI channels (external memory only).
        fault_read_beat, silent_beat: 1-based beat of the frame that answers SLVERR, or from which
            on the memory is silent; 0: none. fault_write: 1: write responses answer SLVERR.
        watchdog: value for the WATCHDOG register; 0: as it is.
    """

    program_address: int
    input_address: int
    output_address: int
    layers: int
    limit_cycles: int = 50_000_000
    stall_probability: float = 0.0
    stall_seed: int = 0
    fault_read_beat: int = 0
    silent_beat: int = 0
    fault_write: int = 0
    watchdog: int = 0


@dataclass(frozen=True, kw_only=True)
class FrameResult:
    """What came of one frame.

    Attributes:
        finished: the interrupt rose within the limit.
        seconds, cpu_seconds: from start to interrupt, inside the simulation.
        status: the STATUS register after it; idle_status: once the engine is idle again, after a
            CTRL.clear if there was an error.
        cycles: the CYCLES register.
        counters: one row a layer, in the order of `sparsespike.contract.counters`.
    """

    finished: bool
    seconds: float
    cpu_seconds: float
    status: int
    idle_status: int
    cycles: int
    counters: list[list[int]]
    trace: FrameTrace


def launch(
    made: Build,
    frames: Sequence[Frame],
    memory: MemoryImage,
    *,
    registers: Mapping[str, int],
    row_bits: int,
    external: bool = False,
    run_dir: Path | None = None,
) -> list[FrameResult]:
    """Runs `frames` one after the other in one simulation.

    run_dir: kept folder for memory, trace, log and waves; a temporary one is removed on success.
    Raises RtlRunError.
    """
    temporary = run_dir is None
    if run_dir is None:
        base = made.directory / "runs"
        base.mkdir(exist_ok=True)
        run_dir = Path(tempfile.mkdtemp(dir=base))
    run_dir.mkdir(parents=True, exist_ok=True)
    memory.write(run_dir)
    jobs = {
        "registers": dict(registers),
        "external": external,
        "frames": [asdict(frame) for frame in frames],
    }
    (run_dir / "jobs.json").write_text(json.dumps(jobs))
    run(made, BENCH, run_dir=run_dir)
    rows = json.loads((run_dir / "results.json").read_text())
    traces = read_trace(run_dir / "trace.txt", row_bits=row_bits)
    if temporary:
        shutil.rmtree(run_dir)
    if not len(rows) == len(traces) == len(frames):
        raise ValueError(
            f"{len(frames)} frames, but {len(traces)} starts on the bus and {len(rows)} results"
        )
    return [FrameResult(trace=trace, **row) for row, trace in zip(rows, traces, strict=True)]
