"""Line memory: one private copy of an activation memory."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out


class LineMemory(wiring.Component):
    """Lines of `units` equal parts, each with its own write enable.

    Timing: a read at c has its value in c + 1 and holds it while `read` is low; a write at c can
    be read from c + 1 on.

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
        m.submodules.memory = memory = Memory(shape=self.width, depth=self.depth, init=[])
        write = memory.write_port(granularity=self.width // self.units)
        read = memory.read_port()
        m.d.comb += [
            write.en.eq(self.write),
            write.addr.eq(self.write_address),
            write.data.eq(self.write_data),
            read.en.eq(self.read),
            read.addr.eq(self.read_address),
            self.read_data.eq(read.data),
        ]
        return m
