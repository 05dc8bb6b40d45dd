"""The register map: the one definition that RTL, documentation and testbenches read. Pure data."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sparsespike.contract.config import EngineConfig
from sparsespike.contract.counters import COUNTER_MEANINGS, COUNTERS

Access = Literal["ro", "rw", "wo", "w1c"]

ADDRESS_BITS = 16
ID_VALUE = 0x53534B31
VERSION_VALUE = 0x0001_0000
WATCHDOG_DEFAULT = 1 << 24
COUNTER_BASE = 0x1000
COUNTER_STRIDE = 128
"""Bytes from one layer's counters to the next layer's."""
ERROR_CODES = {
    "NONE": 0,
    "HEADER": 1,
    "DESCRIPTOR": 2,
    "READ": 3,
    "WRITE": 4,
    "STREAM": 5,
    "TIMEOUT": 6,
}


@dataclass(frozen=True)
class Field:
    """Bits of a register: `low` is the lowest, `bits` their number."""

    name: str
    low: int
    bits: int
    meaning: str


@dataclass(frozen=True)
class Register:
    """A 32-bit register at a byte address; `reset` is its value after reset."""

    name: str
    address: int
    access: Access
    meaning: str
    fields: tuple[Field, ...] = ()
    reset: int = 0


REGISTERS: tuple[Register, ...] = (
    Register("ID", 0x000, "ro", "identifies the engine", reset=ID_VALUE),
    Register("VERSION", 0x004, "ro", "version of this register map", reset=VERSION_VALUE),
    Register("CONFIG_HASH", 0x008, "ro", "low 32 bits of the engine configuration's SHA-256"),
    Register(
        "CTRL",
        0x00C,
        "wo",
        "commands; reads as 0",
        (
            Field("start", 0, 1, "runs a frame; ignored while busy or after an error"),
            Field("clear", 1, 1, "drains the bus and resets all but the address registers"),
        ),
    ),
    Register(
        "STATUS",
        0x010,
        "ro",
        "state of the engine",
        (
            Field("busy", 0, 1, "a frame runs, or a clear drains the bus"),
            Field("done", 1, 1, "the last frame ended; cleared by start and clear"),
            Field("error", 2, 1, "sticky until clear"),
            Field("code", 8, 8, "error code"),
            Field("layer", 16, 16, "layer of the error"),
        ),
    ),
    Register(
        "IRQ_ENABLE",
        0x014,
        "rw",
        "which events raise the interrupt line",
        (Field("done", 0, 1, "a frame ended"), Field("error", 1, 1, "an error stopped the engine")),
    ),
    Register(
        "IRQ_STATUS",
        0x018,
        "w1c",
        "events since they were last cleared",
        (Field("done", 0, 1, "a frame ended"), Field("error", 1, 1, "an error stopped the engine")),
    ),
    Register("PROGRAM_ADDR_LO", 0x020, "rw", "address of the program image, 4 KiB-aligned"),
    Register("PROGRAM_ADDR_HI", 0x024, "rw", "its upper half"),
    Register("INPUT_ADDR_LO", 0x028, "rw", "address of the pixels, 4 KiB-aligned"),
    Register("INPUT_ADDR_HI", 0x02C, "rw", "its upper half"),
    Register("OUTPUT_ADDR_LO", 0x030, "rw", "address the logits go to, 4 KiB-aligned"),
    Register("OUTPUT_ADDR_HI", 0x034, "rw", "its upper half"),
    Register(
        "WATCHDOG",
        0x038,
        "rw",
        "longest layer in cycles before a TIMEOUT error; 0: no limit",
        reset=WATCHDOG_DEFAULT,
    ),
    Register("CYCLES_LO", 0x040, "ro", "cycles of the frame, from the start write to done"),
    Register("CYCLES_HI", 0x044, "ro", "its upper half"),
    Register(
        "GEOMETRY",
        0x048,
        "ro",
        "size of the engine",
        (
            Field("clusters", 0, 8, "clusters"),
            Field("lanes", 8, 8, "lanes of a cluster"),
            Field("chunk", 16, 8, "channels of a broadcast chunk"),
            Field("time_steps", 24, 8, "adders of a lane"),
        ),
    ),
    Register(
        "LIMITS",
        0x04C,
        "ro",
        "depths",
        (
            Field("max_layers", 0, 16, "descriptors on chip"),
            Field("max_tokens", 16, 16, "entries of the token list"),
        ),
    ),
    Register(
        "LIMITS_2",
        0x050,
        "ro",
        "depths and widths",
        (
            Field("max_classes", 0, 16, "logits on chip"),
            Field("axi_data_bits", 16, 16, "data width of the AXI4 manager"),
        ),
    ),
)


def register(name: str) -> Register:
    """The register of that name."""
    return next(entry for entry in REGISTERS if entry.name == name)


def constants(engine: EngineConfig) -> dict[str, int]:
    """Values of the registers that never change in this engine."""
    values = {entry.name: entry.reset for entry in REGISTERS[:2]}
    values["CONFIG_HASH"] = int(engine.hash, 16) & 0xFFFF_FFFF
    for name in ("GEOMETRY", "LIMITS", "LIMITS_2"):
        fields = register(name).fields
        values[name] = sum(getattr(engine, field.name) << field.low for field in fields)
    return values


def counter_address(layer: int, counter: str) -> int:
    """Byte address of a layer's counter."""
    return COUNTER_BASE + layer * COUNTER_STRIDE + 4 * COUNTERS.index(counter)


def as_json(engine: EngineConfig) -> str:
    """The map as JSON, with the values of this engine."""
    fixed = constants(engine)
    content: dict[str, Any] = {
        "address_bits": ADDRESS_BITS,
        "registers": [
            asdict(entry) | {"reset": fixed.get(entry.name, entry.reset)} for entry in REGISTERS
        ],
        "counters": {
            "base": COUNTER_BASE,
            "stride": COUNTER_STRIDE,
            "layers": engine.max_layers,
            "names": list(COUNTERS),
        },
        "errors": ERROR_CODES,
    }
    return json.dumps(content, indent=2) + "\n"


def as_markdown(engine: EngineConfig) -> str:
    """The map as a page."""
    fixed = constants(engine)
    lines = [
        "# Registers",
        "",
        "32-bit AXI4-Lite. Registers marked rw ignore writes while busy,",
        "",
    ]
    lines[2] += " IRQ_ENABLE excepted."
    lines += ["| address | name | access | reset | meaning |", "|---|---|---|---|---|"]
    for entry in REGISTERS:
        reset = fixed.get(entry.name, entry.reset)
        lines.append(
            f"| 0x{entry.address:03X} | {entry.name} | {entry.access} | 0x{reset:08X} "
            f"| {entry.meaning} |"
        )
        lines += [
            f"| | {_span(field)} | | | {field.name}: {field.meaning} |" for field in entry.fields
        ]
    lines += ["", "## Errors", ""]
    lines += [f"- {code}: {name}" for name, code in ERROR_CODES.items()]
    lines += ["", "## Counters", ""]
    lines.append(
        f"Counter c of layer l stands at 0x{COUNTER_BASE:04X} + l * {COUNTER_STRIDE} + c * 4."
    )
    lines += ["", "| c | name | meaning |", "|---|---|---|"]
    lines += [f"| {i} | {name} | {COUNTER_MEANINGS[name]} |" for i, name in enumerate(COUNTERS)]
    return "\n".join(lines) + "\n"


def _span(field: Field) -> str:
    high = field.low + field.bits - 1
    return f"[{field.low}]" if field.bits == 1 else f"[{high}:{field.low}]"
