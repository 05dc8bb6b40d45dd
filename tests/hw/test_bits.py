"""Combinational trees against Python integers."""

import pytest
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw import bits


class Trees(wiring.Component):
    """All trees of a vector."""

    def __init__(self, width):
        self.width = width
        super().__init__(
            {
                "i": In(width),
                "lowest": Out(width),
                "below": Out(width),
                "single": Out(1),
                "few": Out(1),
                "count": Out(range(width + 1)),
                "index": Out(max(1, (width - 1).bit_length())),
                "ordered": Out(width),
                "either": Out(width),
                "level": Out(width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        steps = 3 if self.width % 3 == 0 else 1
        spare = Signal(self.width)
        m.d.sync += spare.eq(0)
        m.d.comb += [
            self.lowest.eq(bits.lowest_one(self.i)),
            self.below.eq(bits.below_lowest_one(self.i)),
            self.single.eq(bits.at_most_one(self.i)),
            self.few.eq(bits.at_most_two(self.i)),
            self.count.eq(bits.popcount(self.i)),
            self.index.eq(bits.encode(self.lowest)),
            self.ordered.eq(bits.step_major(self.i, steps)),
            self.either.eq(bits.union([self.i, spare, Cat(self.i[0])])),
            self.level.eq(bits.thermometer(self.count, self.width)),
        ]
        return m


@pytest.mark.parametrize("width", [1, 2, 5, 6, 16])
def test_trees(clocked, width):
    dut = Trees(width)
    values = range(1 << width) if width < 8 else range(0, 1 << width, 97)

    def step(ctx, cycle):
        value = values[cycle]
        ctx.set(dut.i, value)
        lowest = value & -value
        count = bin(value).count("1")
        steps = 3 if width % 3 == 0 else 1
        slots = width // steps
        ordered = sum(
            (value >> slot * steps + a & 1) << a * slots + slot
            for slot in range(slots)
            for a in range(steps)
        )
        assert ctx.get(dut.lowest) == lowest
        assert ctx.get(dut.below) == (lowest - 1 if value else (1 << width) - 1)
        assert ctx.get(dut.single) == (count <= 1)
        assert ctx.get(dut.few) == (count <= 2)
        assert ctx.get(dut.count) == count
        assert ctx.get(dut.index) == max(0, lowest.bit_length() - 1)
        assert ctx.get(dut.ordered) == ordered
        assert ctx.get(dut.either) == value
        assert ctx.get(dut.level) == (1 << count) - 1
        return cycle == len(values) - 1

    clocked(dut, step, len(values))
