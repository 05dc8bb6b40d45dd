"""Read router: hands the reader's beats to the one block that the sequencer names."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.axi_reader import beat_layout


class Target(enum.Enum, shape=2):
    """Who gets the beats."""

    HEADER = 0
    DESCRIPTORS = 1
    PIXELS = 2
    WEIGHTS = 3


class ReadRouter(wiring.Component):
    """A demultiplexer of streams. No latency.

    Members:
        target: index of the output in use.
        i: beats in; o: beats out, one stream for each Target.
        accepted_last: the last beat of a command is taken in this cycle.
    """

    def __init__(self, *, data_bits: int) -> None:
        beats = stream.Signature(beat_layout(data_bits))
        super().__init__(
            {
                "target": In(Target),
                "i": In(beats),
                "o": Out(beats).array(len(Target)),
                "accepted_last": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for output in self.o:
            m.d.comb += output.p.eq(self.i.p)
        with m.Switch(self.target):
            for target in Target:
                with m.Case(target):
                    m.d.comb += self.o[target.value].valid.eq(self.i.valid)
                    m.d.comb += self.i.ready.eq(self.o[target.value].ready)
        m.d.comb += self.accepted_last.eq(self.i.valid & self.i.ready & self.i.p.last)
        return m
