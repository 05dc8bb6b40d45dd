"""Which places of a memory of sums have one: a first addition replaces what stands there."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value


def has_sum(
    m: Module, places: int, clear: Value, asked: Value, *, adding: Value, target: Value
) -> Signal:
    """Whether `asked` was added to since `clear`: a register, so it stands a cycle later.

    An addition to `target` is written while `adding`; one under way counts.
    """
    started, begun = Signal(places), Signal()
    under_way = adding & (target == asked)
    m.d.sync += begun.eq((started.bit_select(asked, 1) | under_way) & ~clear)
    with m.If(clear):
        m.d.sync += started.eq(0)
    with m.Elif(adding):
        m.d.sync += started.bit_select(target, 1).eq(1)
    return begun
