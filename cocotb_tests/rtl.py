"""An engine's Verilog and its built testbench, both cached."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import hw
import sparsespike.contract
from cocotb_tests.registers import bench_registers
from cocotb_tests.runner import DEFAULT_BUILD_DIR, Build, build, locked, usable_folder
from hw import register_map
from hw.generate import write_verilog
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig

_HERE = Path(__file__).parent
TESTBENCH = (
    _HERE / "axi_memory.sv",
    _HERE / "trace_writer.sv",
    _HERE / "tb.sv",
    _HERE / "ports.vlt",
)
TOP = "tb"


def engine_verilog(engine: EngineConfig, *, build_dir: Path | None = None) -> list[Path]:
    """Verilog files of `engine`, generated unless the same sources made them before."""
    key = hashlib.sha256((engine.hash + _source_hash()).encode()).hexdigest()[:20]
    directory = usable_folder(build_dir or DEFAULT_BUILD_DIR) / f"verilog-{key}"
    with locked(directory.with_suffix(".lock")):
        if not directory.is_dir():
            fresh = Path(tempfile.mkdtemp(dir=directory.parent))
            write_verilog(engine, fresh)
            shutil.rmtree(directory, ignore_errors=True)
            fresh.rename(directory)
    return verilog_files(directory)


def verilog_files(directory: Path) -> list[Path]:
    """The Verilog files of a folder that `write_verilog` filled."""
    return sorted(path for path in directory.iterdir() if path.suffix in (".v", ".sv"))


def engine_build(
    engine: EngineConfig,
    *,
    memory_beats: int,
    simulator: str = "verilator",
    waves: bool = False,
    activity: bool = False,
    build_dir: Path | None = None,
    verilog: Sequence[Path] | None = None,
) -> Build:
    """The built testbench of `engine`.

    memory_beats: beats of the external memory (a power of two), at least.
    verilog: sources to use instead of the engine's own.
    Raises RtlBuildError, ToolMissingError.
    """
    sources = list(verilog) if verilog is not None else engine_verilog(engine, build_dir=build_dir)
    return build(
        [*sources, *TESTBENCH],
        top=TOP,
        simulator=simulator,
        parameters=bench_parameters(engine, memory_beats),
        waves=waves,
        activity=activity,
        build_dir=build_dir,
    )


def row_bits(engine: EngineConfig) -> int:
    """Width of the trace's row data."""
    return derived.lane_pitch(engine) * engine.time_steps * engine.count_bits


def bench_parameters(engine: EngineConfig, memory_beats: int) -> dict[str, int]:
    """Parameters of tb.sv for this engine and so many beats of memory."""
    registers = bench_registers()
    return {
        "AXIL_BITS": register_map.ADDRESS_BITS,
        "DATA_BITS": engine.axi_data_bits,
        "ROW_BITS": row_bits(engine),
        "TOKEN_BITS": (max(2, engine.max_tokens) - 1).bit_length(),
        "MEMORY_BEATS": memory_beats,
        "MEMORY_LATENCY": engine.memory_latency,
        "MEMORY_INTERVAL": engine.memory_interval,
        "CONTROL_ADDRESS": registers["control"],
        "START_BIT": registers["start"].bit_length() - 1,
    }


@cache
def _source_hash() -> str:
    digest = hashlib.sha256()
    for package in (hw, sparsespike.contract):
        for path in sorted(Path(package.__path__[0]).rglob("*")):
            if path.suffix in (".py", ".sv", ".v", ".toml"):
                digest.update(path.read_bytes())
    return digest.hexdigest()
