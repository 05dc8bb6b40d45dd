"""A memory that is written in lines and read in words."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from hw.verilog_platform import VerilogPlatform


class NarrowMemory(wiring.Component):
    """Lines of `words` words each; both numbers are powers of two.

    Timing: a word asked for in c stands at `data` from c + 1 on, until the next one; a line written
    in c can be read from c + 1 on. What a read of a line gives in the cycle of its writing is open:
    block RAMs of most families have ports of two widths, and nothing is built around them.

    Members:
        write, write_line, write_data: write a line.
        read, read_word, data: read a word; word i of line l has number l * words + i.
    """

    def __init__(self, *, width: int, words: int, lines: int) -> None:
        self._width, self._words, self._lines = width, words, lines
        super().__init__(
            {
                "write": In(1),
                "write_line": In(range(max(2, lines))),
                "write_data": In(width * words),
                "read": In(1),
                "read_word": In(range(max(2, lines * words))),
                "data": Out(width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if isinstance(platform, VerilogPlatform):
            m.submodules.memory = platform.narrow_memory(
                width=self._width, words=self._words, lines=self._lines, ports=self
            )
            return m
        shape = self._width * self._words
        m.submodules.memory = store = memory.Memory(shape=shape, depth=self._lines, init=[])
        write, read = store.write_port(), store.read_port()
        shift = self._words.bit_length() - 1
        word = Signal(max(1, shift))
        m.d.comb += [
            write.en.eq(self.write),
            write.addr.eq(self.write_line),
            write.data.eq(self.write_data),
            read.en.eq(self.read),
            read.addr.eq(self.read_word >> shift),
            self.data.eq(read.data.word_select(word if shift else 0, self._width)),
        ]
        with m.If(self.read):
            m.d.sync += word.eq(self.read_word)
        return m
