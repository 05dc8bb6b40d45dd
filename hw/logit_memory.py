"""Logit memory: adds up the head's results until they go out."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.first_sums import has_sum
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class LogitMemory(wiring.Component):
    """Adds the value of lane `lane` of row `row` at row * lanes + lane; the first one replaces.

    Timing: an addition at c is written in c + 2; one addition a cycle. A read at c has its value
    in c + 1.

    Members:
        clear: the next additions are first ones.
        add, row, lane, value: one band's part of a logit.
        index, logit: read port, used while there are no additions.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        super().__init__(
            {
                "clear": In(1),
                "add": In(1),
                "row": In(16),
                "lane": In(range(max(2, derived.tile_channels(engine)))),
                "value": In(signed(32)),
                "index": In(range(engine.max_classes)),
                "logit": Out(signed(32)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        classes = self.engine.max_classes
        m.submodules.memory = memory = Memory(shape=signed(32), depth=classes, init=[])
        write = memory.write_port()
        read = memory.read_port(transparent_for=(write,))
        reading, place, value = Signal(), Signal(24), Signal(signed(32))
        adding, target, added = Signal(), Signal(range(classes)), Signal(signed(32))
        m.d.sync += [
            reading.eq(self.add),
            place.eq(self.row * derived.tile_channels(self.engine) + self.lane),
            value.eq(self.value),
            adding.eq(reading & (place < classes)),
            target.eq(place),
            added.eq(value),
        ]
        begun = has_sum(m, classes, self.clear, place, adding=adding, target=target)
        m.d.comb += [
            read.addr.eq(Mux(reading, place, self.index)),
            self.logit.eq(read.data),
            write.en.eq(adding),
            write.addr.eq(target),
            write.data.eq(Mux(begun, read.data, 0) + added),
        ]
        return m
