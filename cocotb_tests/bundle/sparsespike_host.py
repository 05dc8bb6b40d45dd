"""Host driver of the engine: all it needs are two calls, read32 and write32.

Both are coroutine functions, so that a simulation can let time pass in them. On a board they return
at once; `run_now` then runs a method to its end:

    async def read32(address): return bus.read(BASE + address)
    async def write32(address, value): bus.write(BASE + address, value)
    host = SparsespikeHost(read32, write32, Path("registers/registers.json"))
    cycles = run_now(host.run(program=0x1000_0000, image=0x1100_0000, logits=0x1101_0000))
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

Read32 = Callable[[int], Awaitable[int]]
Write32 = Callable[[int, int], Awaitable[None]]

_PAGE = 4096
_ALL = 0xFFFFFFFF


class EngineError(RuntimeError):
    """The engine is another one than expected, reports an error, or does not finish."""


class SparsespikeHost:
    """One engine behind its registers.

    read32(address) and write32(address, value) take byte addresses within the register window;
    `registers` is the bundle's registers.json.
    """

    def __init__(self, read32: Read32, write32: Write32, registers: Path) -> None:
        self._read32, self._write32 = read32, write32
        content = json.loads(registers.read_text())
        self._registers = {entry["name"]: entry for entry in content["registers"]}
        self._counters = content["counters"]
        self._errors = {code: name for name, code in content["errors"].items()}

    async def identify(self) -> None:
        """Raises EngineError unless the registers are those of this very configuration."""
        for name in ("ID", "VERSION", "CONFIG_HASH"):
            found, wanted = await self.read(name), self._registers[name]["reset"]
            if found != wanted:
                raise EngineError(f"{name} is 0x{found:08X}, not 0x{wanted:08X}")

    async def run(self, *, program: int, image: int, logits: int, polls: int = 10_000_000) -> int:
        """Runs one frame and returns its cycles; addresses are bytes in the engine's memory.

        Raises EngineError after an error of the engine or so many polls of STATUS.
        """
        for name, address in (("PROGRAM", program), ("INPUT", image), ("OUTPUT", logits)):
            if address % _PAGE:
                raise ValueError(f"{name} address 0x{address:X} is not a multiple of {_PAGE}")
            await self.write(f"{name}_ADDR_LO", address & _ALL)
            await self.write(f"{name}_ADDR_HI", address >> 32)
        await self.write("CTRL", self._mask("CTRL", "start"))
        for _ in range(polls):
            status = await self.read("STATUS")
            if status & self._mask("STATUS", "error"):
                await self.write("CTRL", self._mask("CTRL", "clear"))
                code = self._errors.get(self._field(status, "STATUS", "code"), "unknown")
                layer = self._field(status, "STATUS", "layer")
                raise EngineError(f"{code} in layer {layer}")
            if status & self._mask("STATUS", "done"):
                await self.write("IRQ_STATUS", _ALL)
                return (await self.read("CYCLES_HI") << 32) | await self.read("CYCLES_LO")
        raise EngineError(f"no end after {polls} polls of STATUS")

    async def counters(self, layer: int) -> dict[str, int]:
        """The activity counters of one layer of the last frame."""
        base = self._counters["base"] + layer * self._counters["stride"]
        names = self._counters["names"]
        return {name: await self._read32(base + 4 * index) for index, name in enumerate(names)}

    async def read(self, name: str) -> int:
        """The register of that name."""
        return await self._read32(self._registers[name]["address"])

    async def write(self, name: str, value: int) -> None:
        """Writes the register of that name."""
        await self._write32(self._registers[name]["address"], value)

    def _mask(self, register: str, field: str) -> int:
        entry = self._entry(register, field)
        return ((1 << entry["bits"]) - 1) << entry["low"]

    def _field(self, value: int, register: str, field: str) -> int:
        return (value & self._mask(register, field)) >> self._entry(register, field)["low"]

    def _entry(self, register: str, field: str) -> dict[str, Any]:
        fields: list[dict[str, Any]] = self._registers[register]["fields"]
        return next(entry for entry in fields if entry["name"] == field)


def run_now(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a method whose read32 and write32 never wait."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("read32 or write32 waited: run the method in an event loop instead")
