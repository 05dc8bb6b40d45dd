"""The host program talks to a simulated board, bit by bit, over the pins of its UART (cocotb)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer
from run_board import run_frames

PERIOD_NS = 40


@cocotb.test(timeout_time=1, timeout_unit="sec")
async def frames_are_as_expected(dut: Any) -> None:
    """Nothing differs from expected.json; what does is left in differences.json."""
    folder = Path(os.environ["BOARD_HOST"])
    bit_ns = PERIOD_NS * json.loads((folder / "expected.json").read_text())["divisor"]
    dut.receive.value, dut.button.value = 1, 0
    Clock(dut.clock, PERIOD_NS, unit="ns", impl="gpi").start()
    await Timer(100 * PERIOD_NS, unit="ns")
    received: list[int] = []

    async def listen() -> None:
        while True:
            await FallingEdge(dut.transmit)
            await Timer(bit_ns * 3 // 2, unit="ns")
            value = 0
            for place in range(8):
                value |= int(dut.transmit.value) << place
                await Timer(bit_ns, unit="ns")
            received.append(value)

    async def send(data: bytes) -> None:
        for value in data:
            for place in range(10):
                dut.receive.value = (value << 1 | 1 << 9) >> place & 1
                await Timer(bit_ns, unit="ns")

    async def receive(count: int) -> bytes:
        while len(received) < count:
            await Timer(bit_ns, unit="ns")
        data = bytes(received[:count])
        del received[:count]
        return data

    cocotb.start_soon(listen())
    wrong = await run_frames(send, receive, folder)
    Path("differences.json").write_text(json.dumps(wrong))
