"""Token score of a hidden unit: requantise, GELU table, weight."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from sparsespike.contract.numeric import gelu_table


class ScorePipeline(wiring.Component):
    """requantize(hidden, multiplier, shift) through the GELU table, times the score weight.

    Inputs of cycle c give `o` in c + 6. One a cycle, never stalls.

    Members:
        hidden: sum with bias. multiplier, shift: of `numeric.requantize`; the shift stays the same
            while anything is under way. weight: of the score.
        o: table entry times weight.
    """

    def __init__(self, *, hidden_bits: int) -> None:
        super().__init__(
            {
                "hidden": In(signed(hidden_bits)),
                "multiplier": In(15),
                "shift": In(5),
                "weight": In(signed(8)),
                "o": Out(signed(16)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # The product in two parts, as wide as a multiplier of most devices takes them.
        split = min(17, len(self.hidden) - 1)
        low, high = Signal(split + 15), Signal(signed(len(self.hidden) - split + 16))
        raised = Signal(signed(max(len(self.hidden) + 16, 31) + 1))
        # Shifted by the multiple of 8 in the shift, then clamped: what the rest of the shift leaves
        # of a value beyond 16 bits is beyond 8 bits with the same sign.
        coarse = Signal(signed(16))
        clamped, fine = Signal(signed(8)), Signal(signed(16))
        weights = [Signal(signed(8), name=f"weight_{i}") for i in range(5)]
        table = memory.Memory(shape=signed(8), depth=256, init=gelu_table().tolist())
        m.submodules.table = table
        read = table.read_port()
        half = (1 << self.shift) >> 1
        m.d.comb += [
            read.addr.eq(clamped.as_unsigned()),
            fine.eq(coarse >> self.shift[:3]),
        ]
        m.d.sync += [
            low.eq(self.hidden[:split] * self.multiplier),
            high.eq(self.hidden[split:].as_signed() * self.multiplier),
            raised.eq((high << split) + low + half),
            coarse.eq(clamp(raised >> (Cat(Const(0, 3), self.shift[3:])), 16)),
            clamped.eq(clamp(fine, 8)),
            self.o.eq(read.data * weights[-1]),
        ]
        for source, weight in zip([self.weight, *weights], weights, strict=False):
            m.d.sync += weight.eq(source)
        return m


def clamp(value: Value, bits: int) -> Value:
    """Signed `value` as the nearest signed number of `bits`."""
    sign, above = value[-1], value[bits - 1 :]
    extreme = Cat((~sign).replicate(bits - 1), sign)
    return Mux(above.all() | ~above.any(), value[:bits], extreme).as_signed()
