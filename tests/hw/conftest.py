"""What the tests of single blocks share: a clocked run and an AXI memory in Python."""

import random

import pytest
from amaranth.sim import Simulator


@pytest.fixture
def clocked():
    """clocked(dut, step, cycles): calls step(ctx, cycle) in every cycle, until it returns True."""

    def run(dut, step, cycles):
        async def bench(ctx):
            for cycle in range(cycles):
                if step(ctx, cycle):
                    return
                await ctx.tick()
            raise AssertionError(f"not finished after {cycles} cycles")

        simulator = Simulator(dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(bench)
        simulator.run()

    return run


class ReadMemory:
    """The read side of the deterministic memory of docs/engine.md, or one that stalls at random.

    Call `drive` at the start of a cycle and `sample` at its end.
    """

    def __init__(self, content, *, data_bits, latency=20, interval=1, stalls=None):
        self.content, self.bytes = content, data_bits // 8
        self.latency, self.interval = latency, interval
        self.stalls = random.Random(stalls) if stalls is not None else None
        self.bursts, self.place, self.next_offer, self.offered = [], 0, 0, False
        self.addresses, self.beats = [], []
        self.bad_beat = None

    def drive(self, ctx, bus, cycle):
        wish = self.bursts and cycle >= self.bursts[0][2] and cycle >= self.next_offer
        if self.stalls is not None:
            wish = wish and (self.offered or self.stalls.random() < 0.6)
            ctx.set(bus.arready, self.stalls.random() < 0.5)
        else:
            ctx.set(bus.arready, 1)
        self.offered = bool(wish)
        ctx.set(bus.rvalid, self.offered)
        if self.offered:
            address, beats, _ = self.bursts[0]
            low = address + self.place * self.bytes
            word = int.from_bytes(self.content[low : low + self.bytes], "little")
            ctx.set(bus.rdata, word)
            ctx.set(bus.rlast, self.place == beats - 1)
            ctx.set(bus.rresp, 2 if len(self.beats) == self.bad_beat else 0)

    def sample(self, ctx, bus, cycle):
        if ctx.get(bus.arvalid) and ctx.get(bus.arready):
            address, beats = ctx.get(bus.araddr), ctx.get(bus.arlen) + 1
            first, last = address >> 12, (address + beats * self.bytes - 1) >> 12
            assert first == last, "burst crosses a page"
            self.addresses.append((cycle, address, beats))
            self.bursts.append((address, beats, cycle + self.latency))
            assert len(self.bursts) <= 2
        if self.offered and ctx.get(bus.rready):
            self.offered = False
            self.beats.append(cycle)
            self.next_offer = cycle + self.interval
            self.place += 1
            if self.place == self.bursts[0][1]:
                self.bursts.pop(0)
                self.place = 0


@pytest.fixture
def read_memory():
    """The class ReadMemory."""
    return ReadMemory


class WriteMemory:
    """The write side of an AXI memory; stalls at random or is the deterministic one."""

    def __init__(self, *, data_bits, latency, stalls=None, bad=False):
        self.bytes, self.latency, self.bad = data_bits // 8, latency, bad
        self.stalls = random.Random(stalls) if stalls is not None else None
        self.content, self.events, self.bursts, self.responses = {}, [], [], []

    def drive(self, ctx, bus, cycle):
        def chance():
            return self.stalls is None or self.stalls.random() < 0.5

        ctx.set(bus.awready, chance())
        ctx.set(bus.wready, chance())
        ctx.set(bus.bvalid, bool(self.responses and cycle >= self.responses[0]))
        ctx.set(bus.bresp, 2 if self.bad else 0)

    def sample(self, ctx, bus, cycle):
        if ctx.get(bus.awvalid) and ctx.get(bus.awready):
            address, beats = ctx.get(bus.awaddr), ctx.get(bus.awlen) + 1
            assert address >> 12 == (address + beats * self.bytes - 1) >> 12
            self.bursts.append([address, beats])
            self.events.append((cycle, "address"))
        if ctx.get(bus.wvalid) and ctx.get(bus.wready):
            burst = self.bursts[0]
            assert ctx.get(bus.wstrb) == (1 << self.bytes) - 1
            self.content[burst[0]] = ctx.get(bus.wdata)
            burst[0], burst[1] = burst[0] + self.bytes, burst[1] - 1
            assert ctx.get(bus.wlast) == (burst[1] == 0)
            self.events.append((cycle, "data"))
            if burst[1] == 0:
                self.bursts.pop(0)
                self.responses.append(cycle + self.latency)
        if ctx.get(bus.bvalid) and ctx.get(bus.bready):
            self.responses.pop(0)
            self.events.append((cycle, "response"))


@pytest.fixture
def write_memory():
    """The class WriteMemory."""
    return WriteMemory
