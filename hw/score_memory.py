"""Score memory: accumulates the tokens' scores of a selector layer."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.first_sums import has_sum
from hw.trace import score_trace
from sparsespike.contract.config import EngineConfig


class ScoreMemory(wiring.Component):
    """One 32-bit sum per list position; the first addition of a layer replaces the old sum.

    Timing: an addition at c is written in c + 1; one addition a cycle, to any position. A read
    at c has its value in c + 1.

    Members:
        clear: the next additions are first ones.
        add, position, value: an addition.
        read_position, read_value: read port, used while there are no additions.
        trace: the writes.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        tokens = range(max(2, engine.max_tokens))
        super().__init__(
            {
                "clear": In(1),
                "add": In(1),
                "position": In(tokens),
                "value": In(signed(32)),
                "read_position": In(tokens),
                "read_value": Out(signed(32)),
                "trace": Out(score_trace(engine)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        tokens = max(2, self.engine.max_tokens)
        m.submodules.memory = memory = Memory(shape=signed(32), depth=tokens, init=[])
        write = memory.write_port()
        read = memory.read_port(transparent_for=(write,))
        adding, position, value = Signal(), Signal.like(self.position), Signal(signed(32))
        m.d.sync += [adding.eq(self.add), position.eq(self.position), value.eq(self.value)]
        begun = has_sum(m, tokens, self.clear, self.position, adding=adding, target=position)
        m.d.comb += [
            read.addr.eq(Mux(self.add, self.position, self.read_position)),
            self.read_value.eq(read.data),
            write.en.eq(adding),
            write.addr.eq(position),
            write.data.eq(Mux(begun, read.data, 0) + value),
            self.trace.valid.eq(write.en),
            self.trace.position.eq(write.addr),
            self.trace.value.eq(write.data),
        ]
        return m
