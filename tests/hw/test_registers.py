"""Registers over AXI4-Lite: the map, commands, interrupt, strobes and the counter window."""

import random

import pytest

from hw import register_map
from hw.register_map import register
from hw.registers import Registers
from sparsespike.contract.config import load_engine

ENGINE = load_engine("micro")
CTRL = register("CTRL").address
STATUS = register("STATUS").address
IRQ_ENABLE = register("IRQ_ENABLE").address
IRQ_STATUS = register("IRQ_STATUS").address


class Host:
    """Runs a script of ("write", address, data[, strobes]), ("read", address) and ("idle", n).

    `pulses` maps a cycle counted from the script's entry to signals set for it.
    """

    def __init__(self, clocked, script, *, status=None, stalls=None):
        self.dut = Registers(ENGINE)
        self.script, self.status = list(script), status or {}
        self.stalls = random.Random(stalls) if stalls is not None else None
        self.read, self.events, self.irq = [], [], []
        self.asked = None
        self.place, self.phase, self.left = 0, "address", 0
        clocked(self.dut, self.step, 3000)

    def step(self, ctx, cycle):
        dut, bus = self.dut, self.dut.bus
        for name, value in self.status.items():
            ctx.set(getattr(dut.status, name), value)
        if self.asked is not None:
            layer, counter = self.asked
            ctx.set(dut.read_value, 1000 * layer + counter)
        entry = self.script[self.place] if self.place < len(self.script) else ("idle", 1)
        wait = self.stalls is not None and self.stalls.random() < 0.5
        for name in ("awvalid", "wvalid", "bready", "arvalid", "rready"):
            ctx.set(getattr(bus, name), 0)
        ctx.set(dut.finished, entry[0] == "finish")
        ctx.set(dut.failed, entry[0] == "fail")
        done = entry[0] in ("finish", "fail", "idle", "status")
        if entry[0] == "status":
            self.status.update(entry[1])
        elif entry[0] == "write":
            done = self._write(ctx, bus, entry, wait)
        elif entry[0] == "read":
            done = self._read(ctx, bus, entry, wait)
        for name in ("start", "clear"):
            if ctx.get(getattr(dut, name)):
                self.events.append(name)
        self.asked = None
        if ctx.get(dut.read):
            self.asked = ctx.get(dut.read_layer), ctx.get(dut.read_counter)
        self.irq.append(ctx.get(dut.irq))
        self.place += done
        return self.place >= len(self.script)

    def _write(self, ctx, bus, entry, wait):
        if self.phase == "address":
            ctx.set(bus.awvalid, 1)
            ctx.set(bus.wvalid, not wait)
            ctx.set(bus.awaddr, entry[1])
            ctx.set(bus.wdata, entry[2])
            ctx.set(bus.wstrb, entry[3] if len(entry) > 3 else 0xF)
            assert ctx.get(bus.awready) == ctx.get(bus.wready)
            if ctx.get(bus.awready):
                assert not wait
                self.phase = "response"
            return False
        ctx.set(bus.bready, not wait)
        assert ctx.get(bus.bvalid)
        assert ctx.get(bus.bresp) == 0
        if not wait:
            self.phase = "address"
        return not wait

    def _read(self, ctx, bus, entry, wait):
        if self.phase == "address":
            ctx.set(bus.arvalid, 1)
            ctx.set(bus.araddr, entry[1])
            if ctx.get(bus.arready):
                self.phase = "response"
            return False
        ctx.set(bus.rready, not wait)
        assert ctx.get(bus.rvalid)
        if not wait:
            self.read.append(ctx.get(bus.rdata))
            self.phase = "address"
        return not wait


@pytest.mark.parametrize("stalls", [None, 3])
def test_constants_and_configuration(clocked, stalls):
    names = [
        f"{kind}_ADDR_{half}" for kind in ("PROGRAM", "INPUT", "OUTPUT") for half in ["LO", "HI"]
    ]
    addresses = [register(name).address for name in [*names, "WATCHDOG"]]
    script = [("read", addresses[-1])]
    script += [("write", address, 0x1234_5678 + address) for address in addresses]
    script += [("read", address) for address in addresses]
    fixed = register_map.constants(ENGINE)
    script += [("read", register(name).address) for name in fixed]
    host = Host(clocked, script, stalls=stalls)
    assert host.read[0] == register_map.WATCHDOG_DEFAULT
    assert host.read[1 : 1 + len(addresses)] == [0x1234_5678 + a for a in addresses]
    assert host.read[1 + len(addresses) :] == list(fixed.values())


def test_strobes_write_bytes(clocked):
    address = register("INPUT_ADDR_LO").address
    script = [
        ("write", address, 0x11223344),
        ("write", address, 0xAABBCCDD, 0b0101),
        ("read", address),
        ("write", CTRL, 1, 0b1110),
    ]
    host = Host(clocked, script)
    assert host.read == [0x11BB33DD]
    assert host.events == []


def test_configuration_is_locked_while_busy(clocked):
    address = register("PROGRAM_ADDR_LO").address
    script = [("write", address, 0x1000), ("status", {"busy": 1}), ("write", address, 0x2000)]
    script += [("write", IRQ_ENABLE, 1), ("read", address), ("read", IRQ_ENABLE)]
    assert Host(clocked, script).read == [0x1000, 1]


@pytest.mark.parametrize(
    ("status", "data", "expected"),
    [
        ({}, 1, ["start"]),
        ({}, 2, ["clear"]),
        ({}, 3, ["clear"]),
        ({"busy": 1}, 1, []),
        ({"busy": 1}, 2, ["clear"]),
        ({"error": 1}, 1, []),
        ({"error": 1}, 2, ["clear"]),
    ],
)
def test_commands(clocked, status, data, expected):
    host = Host(clocked, [("write", CTRL, data), ("read", CTRL)], status=status)
    assert host.events == expected
    assert host.read == [0]


def test_done_and_interrupt(clocked):
    script = [
        ("write", IRQ_ENABLE, 1),
        ("finish",),
        ("idle",),
        ("read", STATUS),
        ("read", IRQ_STATUS),
        ("write", IRQ_STATUS, 2),
        ("read", IRQ_STATUS),
        ("write", IRQ_STATUS, 1),
        ("read", IRQ_STATUS),
        ("read", STATUS),
        ("write", CTRL, 1),
        ("read", STATUS),
    ]
    host = Host(clocked, script)
    assert host.read == [2, 1, 1, 0, 2, 0]
    raised = host.irq.index(1)
    assert raised == 3  # the cycle after `finished`: the write took cycles 0 and 1
    assert host.irq[-1] == 0


def test_errors(clocked):
    script = [
        ("fail",),
        ("status", {"error": 1, "code": 5, "layer": 3}),
        ("read", STATUS),
        ("read", IRQ_STATUS),
        ("idle",),
        ("write", IRQ_ENABLE, 2),
        ("idle",),
        ("write", CTRL, 2),
        ("read", IRQ_STATUS),
    ]
    host = Host(clocked, script)
    assert host.read == [4 | 5 << 8 | 3 << 16, 2, 0]
    assert 1 in host.irq
    assert host.irq[-1] == 0


@pytest.mark.parametrize("stalls", [None, 8])
def test_counter_window(clocked, stalls):
    places = [(0, "dma_read_beats"), (3, "cycles"), (31, "additions"), (7, "rows_written")]
    script = [("read", register_map.counter_address(*place)) for place in places]
    host = Host(clocked, [*script, ("read", 0)], stalls=stalls)
    names = register_map.COUNTERS
    expected = [1000 * layer + names.index(name) for layer, name in places]
    assert host.read == [*expected, register_map.ID_VALUE]
