"""A UART of eight data bits, no parity and one stop bit: bytes from a wire, bytes to a wire."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

_FRAME_BITS = 10


class UartReceiver(wiring.Component):
    """Bytes from a wire that is already in this clock's domain.

    divisor: clock cycles of a bit, at least 4. Each bit is sampled in its middle; a frame without
    a stop bit is dropped. A byte that is not accepted within the next frame is replaced.

    Members:
        wire: high when idle.
        o: the bytes; `valid` from the middle of the stop bit on.
    """

    def __init__(self, *, divisor: int) -> None:
        _check(divisor)
        self.divisor = divisor
        super().__init__({"wire": In(1), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        wait = Signal(range(self.divisor))
        left = Signal(range(_FRAME_BITS + 1))
        bits = Signal(8)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(left == 0):
            m.d.sync += wait.eq(self.divisor // 2 - 1)
            with m.If(~self.wire):
                m.d.sync += left.eq(_FRAME_BITS)
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Else():
            m.d.sync += [wait.eq(self.divisor - 1), left.eq(left - 1)]
            with m.If(left == 1):
                m.d.sync += [self.o.payload.eq(bits), self.o.valid.eq(self.wire)]
            with m.Elif(left == _FRAME_BITS):
                # Too short for a start bit: noise.
                with m.If(self.wire):
                    m.d.sync += left.eq(0)
            with m.Else():
                m.d.sync += bits.eq(Cat(bits[1:], self.wire))
        return m


class UartTransmitter(wiring.Component):
    """Bytes to a wire; `divisor` clock cycles a bit, at least 4.

    Members:
        i: the bytes, one a frame of ten bits.
        wire: high when idle.
    """

    def __init__(self, *, divisor: int) -> None:
        _check(divisor)
        self.divisor = divisor
        super().__init__({"i": In(stream.Signature(8)), "wire": Out(1, init=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        wait = Signal(range(self.divisor))
        left = Signal(range(_FRAME_BITS + 1))
        frame = Signal(_FRAME_BITS, init=-1)
        m.d.comb += [self.wire.eq(frame[0]), self.i.ready.eq(left == 0)]
        with m.If(left == 0):
            with m.If(self.i.valid):
                m.d.sync += [
                    frame.eq(Cat(Const(0, 1), self.i.payload, Const(1, 1))),
                    left.eq(_FRAME_BITS),
                    wait.eq(self.divisor - 1),
                ]
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Else():
            m.d.sync += [
                wait.eq(self.divisor - 1),
                left.eq(left - 1),
                frame.eq(Cat(frame[1:], Const(1, 1))),
            ]
        return m


def _check(divisor: int) -> None:
    if divisor < 4:
        raise ValueError(f"divisor must be at least 4 cycles a bit, not {divisor}")
