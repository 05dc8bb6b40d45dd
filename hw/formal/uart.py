"""Claims about a board's UART and the bridge behind it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from amaranth.hdl import Cat, Const, Mux, Signal, Value

from hw.board.uart_bridge import READ, READ_FIXED, WRITE, WRITE_FIXED
from hw.formal.claim import Bench, Claim, Harness

_DIVISOR = 4
_FRAME = 10 * _DIVISOR
"""Cycles of a byte on the wire."""
_TIMEOUT = 7
_LENGTH, _ADDRESS, _DATA, _READ, _WRITE, _SEND, _END = 1, 2, 6, 10, 11, 12, 16
"""Places in a request, after its command: length, address, data, the bus, a word of an answer."""


def _uart(module: ModuleType) -> Harness:
    """A transmitter on a receiver's wire, whose bytes are accepted in time."""
    dut, receiver = (
        module.UartTransmitter(divisor=_DIVISOR),
        module.UartReceiver(divisor=_DIVISOR),
    )
    bench = Bench(dut)
    bench.m.submodules.receiver = receiver
    bench.m.d.comb += receiver.wire.eq(dut.wire)
    offer, byte = bench.drive(dut.i.valid, "offer"), bench.drive(dut.i.payload, "byte", 2)
    accept, out = bench.drive(receiver.o.ready, "accept"), receiver.o
    stood = bench.register(range(_FRAME), "stood")
    bench.m.d.sync += stood.eq(Mux(out.valid & ~accept, stood + 1, 0))
    bench.given(stood < _FRAME - 2)
    inside = bench.in_order(
        put=offer & dut.i.ready,
        put_data=byte,
        get=out.valid & accept,
        get_data=out.payload,
        most=2,
    )
    bench.waits(out.valid, accept, out.payload, "byte")
    # A byte arrives within its frame, and the next may follow at once.
    late, busy = (bench.register(range(_FRAME + 2), name) for name in ("late", "busy"))
    bench.m.d.sync += late.eq(Mux((inside != 0) & ~out.valid, late + 1, 0))
    bench.m.d.sync += busy.eq(Mux(dut.i.ready, 0, busy + 1))
    bench.claim(late < _FRAME, busy <= _FRAME)
    return bench.done()


def _uart_bridge(module: ModuleType) -> Harness:
    """Requests that do not pause, against the protocol followed byte by byte."""
    dut = module.UartBridge(timeout=_TIMEOUT)
    bench = Bench(dut)
    m, bus = bench.m, dut.bus
    offer, byte = bench.drive(dut.i.valid, "offer"), bench.drive(dut.i.payload, "byte", 3)
    accept, data = bench.drive(dut.o.ready, "accept"), bench.drive(bus.rdata, "data", 3)
    for name in ("awready", "wready", "bvalid", "arready", "rvalid"):
        bench.drive(getattr(bus, name), name)
    place, command = bench.register(range(_END), "place"), bench.register(3, "command")
    left, address, word = (
        bench.register(bits, name) for bits, name in ((8, "left"), (30, "address"), (32, "word"))
    )
    got, sent = offer & dut.i.ready, dut.o.valid & accept
    reads = (command == READ) | (command == READ_FIXED)
    fixed = (command == WRITE_FIXED) | (command == READ_FIXED)

    def follow() -> None:
        with m.If(got):
            m.d.sync += place.eq(place + 1)
            with m.Switch(place):
                with m.Case(0):
                    m.d.sync += command.eq(byte)
                    with m.If((byte < WRITE) | (byte > READ_FIXED)):
                        m.d.sync += place.eq(0)
                with m.Case(_LENGTH):
                    m.d.sync += left.eq(byte)
                    with m.If(byte == 0):
                        m.d.sync += place.eq(0)
                with m.Case(*range(_ADDRESS, _DATA)):
                    m.d.sync += address.eq(Cat(dut.i.payload, address))
                    with m.If((place == _DATA - 1) & reads):
                        m.d.sync += place.eq(_READ)
                with m.Default():
                    m.d.sync += word.eq(Cat(dut.i.payload, word))
                    with m.If(place == _READ - 1):
                        m.d.sync += place.eq(_WRITE)
        with m.If(bus.rvalid & bus.rready):
            m.d.sync += [word.eq(data), place.eq(_SEND)]
        with m.If(sent):
            m.d.sync += [word.eq(word << 8), place.eq(place + 1)]
        with m.If((sent & (place == _END - 1)) | (bus.bvalid & bus.bready)):
            m.d.sync += [left.eq(left - 1), address.eq(address + ~fixed)]
            m.d.sync += place.eq(Mux(left == 1, 0, Mux(reads, _READ, _DATA)))

    follow()
    addressed, gave, answered = _once(bench, bus, "aw", "w", "b")
    asked, got_value = _once(bench, bus, "ar", "r")
    bench.given(~bus.bvalid | (addressed & gave), ~bus.rvalid | asked)
    # A request's bytes come before its patience ends.
    pause = bench.register(range(_TIMEOUT + 1), "pause")
    m.d.sync += pause.eq(Mux(got | (place == 0) | (place >= _READ), 0, pause + 1))
    bench.given(pause < _TIMEOUT - 1)
    for channel, payload in (
        ("aw", bus.awaddr),
        ("w", Cat(bus.wdata, bus.wstrb)),
        ("ar", bus.araddr),
    ):
        bench.waits(
            getattr(bus, f"{channel}valid"), getattr(bus, f"{channel}ready"), payload, channel
        )
    bench.waits(dut.o.valid, accept, dut.o.payload, "answer")
    bench.claim(
        ~got | (place < _READ),
        ~bus.awvalid | ((place == _WRITE) & (bus.awaddr == Cat(Const(0, 2), address)) & ~addressed),
        ~bus.wvalid | ((place == _WRITE) & (bus.wdata == word) & bus.wstrb.all() & ~gave),
        ~bus.arvalid | ((place == _READ) & (bus.araddr == Cat(Const(0, 2), address)) & ~asked),
        ~dut.o.valid | ((place >= _SEND) & (dut.o.payload == word[24:])),
        ~answered | (place == _WRITE),
        ~got_value | (place == _READ),
    )
    # It waits for nobody who does not keep it waiting.
    patience = bench.register(3, "patience")
    waits = (
        (dut.i.ready & ~offer)
        | (dut.o.valid & ~accept)
        | (bus.awvalid & ~bus.awready)
        | (bus.wvalid & ~bus.wready)
        | (bus.arvalid & ~bus.arready)
        | (addressed & gave & ~bus.bvalid)
        | (asked & ~bus.rvalid)
    )
    moved = got | sent | answered | got_value
    m.d.sync += patience.eq(Mux(moved | waits, 0, patience + 1))
    bench.claim(patience < 3)
    return bench.done()


def _once(bench: Bench, bus: Any, *channels: str) -> list[Signal | Value]:
    """For each channel but the last, whether it was passed since the last one was; and that now.

    The surroundings keep what they offer on the last one.
    """
    valid, ready = (getattr(bus, f"{channels[-1]}{word}") for word in ("valid", "ready"))
    bench.waits(valid, ready, Const(0), channels[-1], given=True)
    passed = []
    for channel in channels[:-1]:
        done = bench.register(1, f"{channel}_passed")
        now = getattr(bus, f"{channel}valid") & getattr(bus, f"{channel}ready")
        bench.m.d.sync += done.eq((done | now) & ~(valid & ready))
        passed.append(done)
    return [*passed, valid & ready]


CLAIMS = (
    Claim(
        name="uart",
        says="a byte sent is received, once, as it was, within its frame of ten bits",
        module="hw.board.uart",
        harness=_uart,
        broken=(
            ("[wait.eq(self.divisor - 1), left", "[wait.eq(self.divisor), left"),
            ("wait.eq(self.divisor // 2 - 1)", "wait.eq(self.divisor - 1)"),
            ("Cat(Const(0, 1), self.i.payload, Const(1, 1))", "Cat(Const(0, 2), self.i.payload)"),
        ),
        depth=None,
    ),
    Claim(
        name="uart bridge",
        says="each word of a request is one transfer at its address; all offers wait unchanged",
        module="hw.board.uart_bridge",
        harness=_uart_bridge,
        broken=(
            ("aw_done | bus.awready", "bus.awready"),
            ("address.eq(address + ~fixed)", "address.eq(address + 1)"),
            ("with m.If(left == 1):", "with m.If(left == 2):"),
            ("self.o.payload.eq(word[24:])", "self.o.payload.eq(word[:8])"),
            ("with m.If(self.o.ready):", "with m.If(1):"),
        ),
        depth=None,
    ),
)
