"""The boards: device, clock and pins, as amaranth-boards describes them."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass

from hw.flow.yosys import MissingToolError
from sparsespike.contract.errors import ContractError


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board of amaranth-boards.

    Attributes:
        module, platform: where amaranth-boards describes it.
        target: its device, of hw.flow.targets; package: option of nextpnr-ecp5.
        clock_mhz: its oscillator.
        memory_bytes: block memory that fits beside a `micro` engine.
        resources: port of the board top -> (resource, number, subsignal or "").
    """

    name: str
    description: str
    module: str
    platform: str
    target: str
    package: str
    clock_mhz: float
    memory_bytes: int
    resources: Mapping[str, tuple[str, int, str]]


_BOARDS = (
    Board(
        name="ulx3s-85f",
        description="Radiona ULX3S with an LFE5U-85F-6BG381",
        module="amaranth_boards.ulx3s",
        platform="ULX3S_85F_Platform",
        target="ecp5-85k",
        package="CABGA381",
        clock_mhz=25.0,
        memory_bytes=128 * 1024,
        resources={
            "clock": ("clk25", 0, ""),
            "button": ("button_fire", 0, ""),
            "receive": ("uart", 0, "rx"),
            "transmit": ("uart", 0, "tx"),
            **{f"leds[{number}]": ("led", number, "") for number in range(8)},
        },
    ),
)
BOARDS: Mapping[str, Board] = {board.name: board for board in _BOARDS}


def find_board(name: str) -> Board:
    """The board of that name. Raises ContractError."""
    if name not in BOARDS:
        raise ContractError(f"board '{name}' is not one of {', '.join(BOARDS)}: choose one")
    return BOARDS[name]


def constraints(board: Board) -> str:
    """Lattice preference file of the board top's pins. Raises MissingToolError."""
    lines = [f"# {board.description}: pins of {board.module}.{board.platform}"]
    for port, (resource, number, subsignal) in board.resources.items():
        pin, attributes = _pin(board, resource, number, subsignal)
        words = " ".join(f"{key}={value}" for key, value in attributes.items())
        lines += [f'LOCATE COMP "{port}" SITE "{pin}";', f'IOBUF PORT "{port}" {words};']
    lines += [f'FREQUENCY PORT "clock" {board.clock_mhz:g} MHZ;']
    return "\n".join(lines) + "\n"


def _pin(board: Board, resource: str, number: int, subsignal: str) -> tuple[str, dict[str, str]]:
    from amaranth.build import Subsignal

    found = _platform(board).lookup(resource, number)
    attributes = dict(found.attrs)
    ios = found.ios
    if subsignal:
        part = next(io for io in ios if isinstance(io, Subsignal) and io.name == subsignal)
        attributes |= part.attrs
        ios = part.ios
    (pins,) = ios
    (name,) = pins.names
    return name, attributes


def _platform(board: Board) -> object:
    if importlib.util.find_spec(board.module.split(".")[0]) is None:
        raise MissingToolError("amaranth-boards is missing: run `pip install 'sparsespike[fpga]'`")
    return getattr(importlib.import_module(board.module), board.platform)()
