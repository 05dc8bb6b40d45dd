"""Matched beats that wait for a lane."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out


class LaneQueue(wiring.Component):
    """A FIFO of `depth` entries whose state is registered on both sides.

    An entry pushed in c is offered at `o` from c + 1 on. `full` is high while `depth` entries stand
    in the queue; an entry popped in c makes place from c + 1 on. A push into a full queue is lost.

    Members:
        push, i: put an entry; full: there is no place.
        o: the oldest entry.
    """

    def __init__(self, shape: ShapeLike, *, depth: int) -> None:
        self._shape = shape
        self._depth = depth
        super().__init__(
            {
                "push": In(1),
                "i": In(shape),
                "full": Out(1),
                "o": Out(stream.Signature(shape)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        level = Signal(range(self._depth + 1))
        # Known a cycle ahead: the broadcaster needs it at once.
        full = Signal()
        store = memory.Memory(shape=self._shape, depth=max(2, self._depth), init=[])
        m.submodules.store = store
        write, read = store.write_port(), store.read_port(domain="comb")
        pushed, popped = Signal(), Signal()

        def step(pointer: Signal) -> Value:
            return Mux(pointer == self._depth - 1, 0, pointer + 1)

        m.d.comb += [
            self.full.eq(full),
            pushed.eq(self.push & ~self.full),
            popped.eq(self.o.valid & self.o.ready),
            self.o.valid.eq(level != 0),
            self.o.p.eq(read.data),
            write.en.eq(pushed),
            write.data.eq(self.i),
        ]
        pointers = [Signal(range(max(2, self._depth)), name=name) for name in ("head", "tail")]
        m.d.comb += [read.addr.eq(pointers[0]), write.addr.eq(pointers[1])]
        for pointer, moved in zip(pointers, (popped, pushed), strict=True):
            with m.If(moved):
                m.d.sync += pointer.eq(step(pointer))
        m.d.sync += [
            level.eq(level + pushed - popped),
            full.eq(~popped & (full | (pushed & (level == self._depth - 1)))),
        ]
        return m
