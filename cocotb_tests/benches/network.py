"""Runs frames on the engine: starts it over AXI4-Lite, waits, reads status and counters.

Input: jobs.json (see cocotb_tests.launch), memory.bin. Output: results.json, one entry a frame.
No Python runs while the engine works, unless a frame asks for a memory with random stalls.
"""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, SimTimeoutError, Timer, with_timeout
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiRam

PERIOD_NS = 10
PATIENCE = 100


@cocotb.test(timeout_time=100, timeout_unit="sec")
async def run_frames(dut: Any) -> None:
    """Every frame of jobs.json, in order, on one engine."""
    jobs = json.loads(Path("jobs.json").read_text())
    driver = _Driver(dut, jobs["registers"])
    await driver.reset(external=jobs["external"], memory=Path("memory.bin"))
    results = []
    for frame in jobs["frames"]:
        results.append(await driver.run(frame))
        Path("results.json").write_text(json.dumps(results))


class _Driver:
    """The host's part: one method a step."""

    def __init__(self, dut: Any, registers: dict[str, int]) -> None:
        self.dut = dut
        self.registers = registers
        self.ram: AxiRam | None = None

    async def reset(self, *, external: bool, memory: Path) -> None:
        dut = self.dut
        self._set_faults({})
        for name in _IDLE_INPUTS:
            getattr(dut, name).value = 0
        dut.external.value = int(external)
        dut.rst.value = 1
        Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start()
        await Timer(4.5 * PERIOD_NS, unit="ns")
        self.axil = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        if external:
            self.ram = AxiRam(AxiBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, size=2**40)
            self.ram.write(0, memory.read_bytes())
        await Timer(10 * PERIOD_NS, unit="ns")
        await RisingEdge(dut.clk)
        dut.rst.value = 0
        await RisingEdge(dut.clk)

    async def run(self, frame: dict[str, Any]) -> dict[str, Any]:
        registers = self.registers
        await self._set_up(frame)
        began, worked = time.perf_counter(), time.process_time()
        await self._write(registers["control"], registers["start"])
        finished = await self._interrupt(frame["limit_cycles"])
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - worked
        self._set_faults({})
        if self.ram is not None:
            _stall(self.ram, 0.0, 0)
        status = await self._read(registers["status"])
        cycles = await self._read(registers["cycles"])
        counters = await self._counters(frame["layers"])
        await self._write(registers["irq_status"], 0xFFFFFFFF)
        if status & registers["error"] or not finished:
            await self._write(registers["control"], registers["clear"])
        return {
            "finished": finished,
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "status": status,
            "idle_status": await self._idle_status(),
            "cycles": cycles,
            "counters": counters,
        }

    async def _set_up(self, frame: dict[str, Any]) -> None:
        registers = self.registers
        for name in ("program", "input", "output"):
            address = frame[f"{name}_address"]
            await self._write(registers[name], address & 0xFFFFFFFF)
            await self._write(registers[f"{name}_high"], address >> 32)
        await self._write(registers["irq_enable"], 0xFFFFFFFF)
        if frame["watchdog"]:
            await self._write(registers["watchdog"], frame["watchdog"])
        self._set_faults(frame)
        if self.ram is not None:
            _stall(self.ram, frame["stall_probability"], frame["stall_seed"])

    def _set_faults(self, frame: dict[str, Any]) -> None:
        for name in ("fault_read_beat", "silent_beat", "fault_write"):
            getattr(self.dut, name).value = frame.get(name, 0)

    async def _idle_status(self) -> int:
        """STATUS once the engine is no longer busy, or after some patience."""
        for _ in range(PATIENCE):
            status = await self._read(self.registers["status"])
            if not status & self.registers["busy"]:
                break
            await Timer(100 * PERIOD_NS, unit="ns")
        return status

    async def _interrupt(self, limit_cycles: int) -> bool:
        if self.dut.irq.value == 1:
            return True
        try:
            await with_timeout(RisingEdge(self.dut.irq), limit_cycles * PERIOD_NS, "ns")
        except SimTimeoutError:
            return False
        return True

    async def _counters(self, layers: int) -> list[list[int]]:
        base, stride = self.registers["counters"], self.registers["counters_stride"]
        count = self.registers["counters_count"]
        rows = []
        for layer in range(layers):
            data = (await self.axil.read(base + layer * stride, 4 * count)).data
            words = [data[4 * i : 4 * i + 4] for i in range(count)]
            rows.append([int.from_bytes(word, "little") for word in words])
        return rows

    async def _write(self, address: int, value: int) -> None:
        await self.axil.write(address, value.to_bytes(4, "little"))

    async def _read(self, address: int) -> int:
        return int.from_bytes((await self.axil.read(address, 4)).data, "little")


_IDLE_INPUTS = (
    "m_axi_arready",
    "m_axi_rid",
    "m_axi_rdata",
    "m_axi_rresp",
    "m_axi_rlast",
    "m_axi_rvalid",
    "m_axi_awready",
    "m_axi_wready",
    "m_axi_bid",
    "m_axi_bresp",
    "m_axi_bvalid",
    "s_axil_awaddr",
    "s_axil_awprot",
    "s_axil_awvalid",
    "s_axil_wdata",
    "s_axil_wstrb",
    "s_axil_wvalid",
    "s_axil_bready",
    "s_axil_araddr",
    "s_axil_arprot",
    "s_axil_arvalid",
    "s_axil_rready",
)


def _stall(ram: AxiRam, probability: float, seed: int) -> None:
    """Random pauses on all five channels, or none at probability 0."""
    channels = (
        ram.write_if.aw_channel,
        ram.write_if.w_channel,
        ram.write_if.b_channel,
        ram.read_if.ar_channel,
        ram.read_if.r_channel,
    )
    for number, channel in enumerate(channels):
        channel.clear_pause_generator()
        channel.pause = False
        if probability > 0:
            channel.set_pause_generator(_pauses(probability, 8 * seed + number))


def _pauses(probability: float, seed: int) -> Iterator[bool]:
    generator = random.Random(seed)
    while True:
        yield generator.random() < probability
