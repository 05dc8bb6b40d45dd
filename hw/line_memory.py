"""Line memory: one private copy of an activation memory."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.verilog_platform import NO_COLLISIONS


class LineMemory(wiring.Component):
    """Lines of `units` equal parts, each with its own write enable.

    Timing: a read at c has its value in c + 1 and holds it while `read` is low; a write at c can
    be read from c + 1 on. A unit that is read and written in one cycle may give anything: of a
    stored row, the write of one operation and the read of the next are cycles apart.

    Members:
        write, write_address, write_data: `write` has one bit per unit.
        read, read_address, read_data: the read port.
    """

    def __init__(self, *, width: int, depth: int, units: int, address_bits: int) -> None:
        self.width = width
        self.depth = depth
        self.units = units
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
        part = self.width // self.units
        for unit in range(self.units):
            # A memory of its own: neighbours may be written while a unit is read.
            memory = Memory(shape=part, depth=self.depth, init=[], attrs=NO_COLLISIONS)
            m.submodules[f"unit_{unit}"] = memory
            write, read = memory.write_port(), memory.read_port()
            m.d.comb += [
                write.en.eq(self.write[unit]),
                write.addr.eq(self.write_address),
                write.data.eq(self.write_data.word_select(unit, part)),
                read.en.eq(self.read),
                read.addr.eq(self.read_address),
                self.read_data.word_select(unit, part).eq(read.data),
            ]
        return m
