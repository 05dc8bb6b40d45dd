"""Writes a board's Verilog and constraints."""

from __future__ import annotations

from pathlib import Path

from amaranth.back import verilog

from hw.board.boards import Board, constraints
from hw.board.top import BoardTop
from hw.generate import triggered_at_start, verilog_header
from hw.verilog_platform import VerilogPlatform
from sparsespike.contract.config import EngineConfig, load_engine
from sparsespike.contract.errors import ContractError
from sparsespike.contract.files import write_atomically

TOP = "sparsespike_board"
_LEAST_MEMORY, _MOST_MEMORY = 1 << 12, 1 << 18
_TIMEOUT_SECONDS = 0.1
_MOST_BAUD_ERROR = 0.02
"""Of a bit, by which sender and receiver together may differ over the ten bits of a frame: 5 %."""


def board_engine(name_or_path: str, board: Board) -> EngineConfig:
    """The engine at the board's clock, on a memory with the least latency there is."""
    return load_engine(name_or_path, clock_mhz=board.clock_mhz, memory_latency=2, memory_interval=1)


def baud_divisor(board: Board, baud: int) -> int:
    """Clock cycles of a bit. Raises ContractError if the clock cannot keep the rate."""
    cycles = board.clock_mhz * 1e6 / baud if baud > 0 else 0.0
    divisor = round(cycles)
    if divisor < 4 or abs(divisor / cycles - 1) > _MOST_BAUD_ERROR:
        raise ContractError(
            f"--baud {baud}: a clock of {board.clock_mhz:g} MHz has no whole number of cycles "
            "(at least 4) near it: choose 115200 or 1000000"
        )
    return divisor


def require_memory_size(size: int) -> int:
    """The size, if block RAM can be so large. Raises ContractError."""
    if size & (size - 1) or not _LEAST_MEMORY <= size <= _MOST_MEMORY:
        raise ContractError(
            f"--memory {size}: must be a power of two from {_LEAST_MEMORY} to {_MOST_MEMORY}: "
            "leave it out for the board's own"
        )
    return size


def write_board(
    engine: EngineConfig, board: Board, folder: Path, divisor: int, memory_bytes: int
) -> list[Path]:
    """Writes Verilog and constraints; returns their paths. Raises OSError, MissingToolError."""
    text = board_verilog(
        engine, clock_mhz=board.clock_mhz, divisor=divisor, memory_bytes=memory_bytes
    )
    texts = {f"{TOP}.v": text, f"{board.name}.lpf": constraints(board)}
    for name, content in texts.items():
        write_atomically(folder / name, content.encode())
    return [folder / name for name in texts]


def board_verilog(
    engine: EngineConfig, *, clock_mhz: float, divisor: int, memory_bytes: int
) -> str:
    """Verilog of the board top with everything in it; the same arguments give the same text."""
    timeout = int(clock_mhz * 1e6 * _TIMEOUT_SECONDS)
    top = BoardTop(engine, divisor=divisor, memory_bytes=memory_bytes, timeout=timeout)
    platform = VerilogPlatform(prefix=TOP)
    text = verilog.convert(
        top, name=TOP, platform=platform, emit_src=False, strip_internal_attrs=True
    )
    return verilog_header(TOP, engine) + triggered_at_start(text + platform.modules())
