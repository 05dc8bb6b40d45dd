"""Writes a board's Verilog and constraints."""

from __future__ import annotations

from amaranth.back import verilog

from hw.board.boards import Board
from hw.board.top import BoardTop
from hw.generate import triggered_at_start, verilog_header
from hw.verilog_platform import VerilogPlatform
from sparsespike.contract.config import EngineConfig, load_engine
from sparsespike.contract.errors import ContractError

TOP = "sparsespike_board"
BAUD = 1_000_000
"""The FT231X of the board goes to 3 Mbaud; this divides 25 MHz without a rest."""
_TIMEOUT_SECONDS = 0.1
_MOST_BAUD_ERROR = 0.02
"""Of a bit, by which sender and receiver together may differ over the ten bits of a frame: 5 %."""


def board_engine(name_or_path: str, board: Board) -> EngineConfig:
    """The engine at the board's clock, on a memory with the least latency there is."""
    return load_engine(
        name_or_path, clock_mhz=board.clock_mhz, memory_latency=2, memory_interval=1
    )


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
