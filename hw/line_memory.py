"""Line memory: one private copy of an activation memory."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.verilog_platform import NO_COLLISIONS

_LEAST = 512
"""Lines of the smallest part: a block RAM has at least so many, and no part is worth less."""


def parts_of(depth: int) -> tuple[int, ...]:
    """Depths of the parts that a memory of `depth` lines is made of, the first a power of two.

    Block RAMs are deep and narrow or shallow and wide. A memory of 8,192 + 2,048 lines takes no
    more of them in two parts than in five of 2,048, but a choice of two words instead of five.
    """
    low = 1 << depth.bit_length() - 1
    if depth - low < _LEAST:
        return (depth,)
    return low, depth - low


class LineMemory(wiring.Component):
    """Lines of `units` equal parts, each with its own write enable.

    Timing: a read at c has its value in c + 1 and holds it while `read` is low; a write at c can
    be read from c + 1 on. With `apart` no line is read in the cycle in which it is written.

    Members:
        write, write_address, write_data: `write` has one bit per unit.
        read, read_address, read_data: the read port.
    """

    def __init__(
        self, *, width: int, depth: int, units: int, address_bits: int, apart: bool = False
    ) -> None:
        self.width = width
        self.depth = depth
        self.units = units
        self._apart = apart
        super().__init__(
            {
                "write": In(units),
                "write_address": In(address_bits),
                "write_data": In(width),
                "read": In(1),
                "read_address": In(address_bits),
                "read_data": Out(width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        parts = parts_of(self.depth)
        bit = (parts[0] - 1).bit_length()
        beyond = Signal()

        def add(number: int, depth: int) -> Value:
            attrs = NO_COLLISIONS if self._apart else {}
            store = Memory(shape=self.width, depth=max(2, depth), init=[], attrs=attrs)
            m.submodules[f"memory_{number}" if number else "memory"] = store
            write = store.write_port(granularity=self.width // self.units)
            read = store.read_port()
            writes: Value = self.write
            reads: Value = self.read
            if len(parts) > 1:
                writes = Mux(self.write_address[bit] == number, self.write, 0)
                reads = self.read & (self.read_address[bit] == number)
            m.d.comb += [
                write.en.eq(writes),
                write.addr.eq(self.write_address),
                write.data.eq(self.write_data),
                read.en.eq(reads),
                read.addr.eq(self.read_address),
            ]
            return read.data

        words = [add(number, depth) for number, depth in enumerate(parts)]
        m.d.comb += self.read_data.eq(Mux(beyond, words[-1], words[0]))
        if len(parts) > 1:
            with m.If(self.read):
                m.d.sync += beyond.eq(self.read_address[bit])
        return m
