"""The engine takes the cycles and counts the events of expected.json (cocotb).

The logits that it writes stand in trace.txt when the simulation has ended: run.py looks at them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer
from sparsespike_host import SparsespikeHost

HERE = Path(__file__).resolve().parent
PERIOD_NS = 10
POLL_CYCLES = 500


@cocotb.test(timeout_time=1, timeout_unit="sec")
async def frames_are_as_expected(dut: Any) -> None:
    """Every frame: cycles, and every counter of every layer."""
    expected = json.loads((HERE / "expected.json").read_text())
    bus = LiteBus(dut)
    await bus.reset()
    host = SparsespikeHost(bus.read32, bus.write32, HERE.parent / "registers" / "registers.json")
    await host.identify()
    for number, frame in enumerate(expected["frames"]):
        addresses = {name: frame[name] for name in ("program", "image", "logits")}
        cycles = await host.run(**addresses)
        assert cycles == frame["cycles"], f"frame {number}: {cycles} cycles, not {frame['cycles']}"
        for layer, wanted in enumerate(frame["counters"]):
            found = await host.counters(layer)
            assert found == wanted, f"frame {number}, layer {layer}: {found}, not {wanted}"
        dut._log.info(f"frame {number}: {cycles} cycles")


class LiteBus:
    """The engine's AXI4-Lite port: one transfer at a time."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut

    async def reset(self) -> None:
        """Starts the clock and resets the engine; every input of the testbench is 0 or driven."""
        dut = self._dut
        for name in ("external", "fault_read_beat", "silent_beat", "fault_write", *_IDLE):
            getattr(dut, name).value = 0
        dut.rst.value = 1
        Clock(dut.clk, PERIOD_NS, unit="ns").start()
        await Timer(10.5 * PERIOD_NS, unit="ns")
        await RisingEdge(dut.clk)
        dut.rst.value = 0
        await RisingEdge(dut.clk)

    async def write32(self, address: int, value: int) -> None:
        """Writes a register."""
        dut = self._dut
        dut.s_axil_awaddr.value, dut.s_axil_wdata.value = address, value
        dut.s_axil_wstrb.value, dut.s_axil_bready.value = 0xF, 1
        dut.s_axil_awvalid.value = dut.s_axil_wvalid.value = 1
        await self._until(dut.s_axil_awready)
        dut.s_axil_awvalid.value = dut.s_axil_wvalid.value = 0
        await self._until(dut.s_axil_bvalid)
        dut.s_axil_bready.value = 0

    async def read32(self, address: int) -> int:
        """Reads a register; STATUS after some cycles, so that a poll lets the engine work."""
        dut = self._dut
        if address == _STATUS:
            await Timer(POLL_CYCLES * PERIOD_NS, unit="ns")
            await RisingEdge(dut.clk)
        dut.s_axil_araddr.value, dut.s_axil_arvalid.value, dut.s_axil_rready.value = address, 1, 1
        await self._until(dut.s_axil_arready)
        dut.s_axil_arvalid.value = 0
        await self._until(dut.s_axil_rvalid)
        value = dut.s_axil_rdata.value.to_unsigned()
        dut.s_axil_rready.value = 0
        return int(value)

    async def _until(self, signal: Any) -> None:
        while True:
            await RisingEdge(self._dut.clk)
            if signal.value == 1:
                return


_STATUS = 0x010
_IDLE = (
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
