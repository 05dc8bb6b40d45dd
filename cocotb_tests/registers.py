"""The engine's register map as plain numbers, for benches that may not import hardware."""

from __future__ import annotations

from dataclasses import dataclass

from hw import register_map
from sparsespike.contract.counters import COUNTERS

ERROR_NAMES = {code: name for name, code in register_map.ERROR_CODES.items()}


@dataclass(frozen=True)
class Status:
    """The STATUS register, unpacked; error is a name, 'NONE' if there is none."""

    busy: bool
    done: bool
    error: str
    layer: int


def bench_registers() -> dict[str, int]:
    """Addresses and bit masks that the network bench needs."""
    control = register_map.register("CTRL")
    bits = {field.name: 1 << field.low for field in control.fields}
    addresses = {
        "control": "CTRL",
        "status": "STATUS",
        "irq_enable": "IRQ_ENABLE",
        "irq_status": "IRQ_STATUS",
        "watchdog": "WATCHDOG",
        "cycles": "CYCLES_LO",
        "config_hash": "CONFIG_HASH",
        "program": "PROGRAM_ADDR_LO",
        "program_high": "PROGRAM_ADDR_HI",
        "input": "INPUT_ADDR_LO",
        "input_high": "INPUT_ADDR_HI",
        "output": "OUTPUT_ADDR_LO",
        "output_high": "OUTPUT_ADDR_HI",
    }
    return {
        **{name: register_map.register(register).address for name, register in addresses.items()},
        "start": bits["start"],
        "clear": bits["clear"],
        "busy": 1 << _field("busy").low,
        "error": 1 << _field("error").low,
        "counters": register_map.COUNTER_BASE,
        "counters_stride": register_map.COUNTER_STRIDE,
        "counters_count": len(COUNTERS),
    }


def decode_status(value: int) -> Status:
    """Fields of a value read from STATUS."""
    code = _extract(value, "code")
    return Status(
        busy=bool(_extract(value, "busy")),
        done=bool(_extract(value, "done")),
        error=ERROR_NAMES.get(code, f"unknown code {code}"),
        layer=_extract(value, "layer"),
    )


def _field(name: str) -> register_map.Field:
    return next(field for field in register_map.register("STATUS").fields if field.name == name)


def _extract(value: int, name: str) -> int:
    field = _field(name)
    return value >> field.low & ((1 << field.bits) - 1)
