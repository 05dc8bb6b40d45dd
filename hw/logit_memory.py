"""Logit memory: the head's results until they go out."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from sparsespike.contract.config import EngineConfig


class LogitMemory(wiring.Component):
    """Stores the value of lane `lane` of row `row` at row * lanes + lane.

    Timing: a write at c is stored in c + 1; a read at c has its value in c + 1.

    Members:
        write, row, lane, value: a logit.
        index, logit: read port.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        super().__init__(
            {
                "write": In(1),
                "row": In(16),
                "lane": In(range(max(2, engine.lanes))),
                "value": In(signed(32)),
                "index": In(range(engine.max_classes)),
                "logit": Out(signed(32)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        classes = self.engine.max_classes
        m.submodules.memory = memory = Memory(shape=signed(32), depth=classes, init=[])
        write, read = memory.write_port(), memory.read_port()
        writing, place, value = Signal(), Signal(24), Signal(signed(32))
        m.d.sync += [
            writing.eq(self.write),
            place.eq(self.row * self.engine.lanes + self.lane),
            value.eq(self.value),
        ]
        m.d.comb += [
            write.en.eq(writing & (place < classes)),
            write.addr.eq(place),
            write.data.eq(value),
            read.addr.eq(self.index),
            self.logit.eq(read.data),
        ]
        return m
