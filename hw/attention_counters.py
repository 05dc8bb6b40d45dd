"""K^T V counter rows and the outputs of a query."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.bits import union
from hw.cluster_layouts import counter_rows, head_slots, sums_layout
from hw.narrow_memory import NarrowMemory
from sparsespike.contract.config import EngineConfig


def counter_bits(engine: EngineConfig) -> int:
    """Bits of a K^T V counter: it counts tokens."""
    return engine.max_tokens.bit_length()


def output_bits(engine: EngineConfig) -> int:
    """Bits of an output: a sum of counters over the head's slots."""
    return min((head_slots(engine) * engine.max_tokens).bit_length(), engine.accumulator_bits - 1)


class AttentionCounters(wiring.Component):
    """One counter row (all value slots, for a key slot and a step) is updated or added a cycle.

    A row asked for in c is read in c and written, or added to the outputs, in c + 1; the next row
    must be another one. The outputs stand from c + 2 on. Never stalls. From the
    first row that is added until `clear_outputs`, rows are only added, step after step.

    Members:
        clear: the row becomes 0. clear_outputs: the outputs become 0.
        update: row += values of its step (`values` of the next cycle).
        accumulate: outputs of its step += row.
        row: which row; its step in the low bits.
        values: the value spikes, a vector of slots a step.
        slot, advance: an output, one-hot, is asked for; sums: the one asked for two `advance` ago,
            from the cycle after the second on.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        super().__init__(
            {
                "clear": In(1),
                "clear_outputs": In(1),
                "update": In(1),
                "accumulate": In(1),
                "row": In(range(counter_rows(engine))),
                "values": In(data.ArrayLayout(head_slots(engine), engine.time_steps)),
                "slot": In(head_slots(engine)),
                "advance": In(1),
                "sums": Out(sums_layout(engine)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self._engine
        slots, steps = head_slots(engine), engine.time_steps
        counters = data.ArrayLayout(counter_bits(engine), slots)
        m.submodules.counters = store = NarrowMemory(
            width=counters.size, words=1, lines=counter_rows(engine)
        )
        old = data.View(counters, store.data)
        step_bits = (steps - 1).bit_length()
        late = Signal(data.StructLayout({"update": 1, "accumulate": 1, "clear": 1}))
        row = Signal.like(self.row)
        step = row[:step_bits]
        at_step = Signal(steps)
        m.d.comb += at_step.eq(Cat(step == a for a in range(steps)))

        def ask() -> None:
            m.d.comb += [store.read_word.eq(self.row), store.read.eq(self.update | self.accumulate)]
            m.d.sync += late.eq(Cat(self.update, self.accumulate, self.clear))
            with m.If(self.update | self.accumulate | self.clear):
                m.d.sync += row.eq(self.row)

        def write_back() -> None:
            m.d.comb += [
                store.write.eq(late.update | late.clear),
                store.write_line.eq(row),
            ]
            value = Signal(slots)
            hits = (Mux(at_step[a], vector, 0) for a, vector in enumerate(self.values))
            m.d.comb += value.eq(Mux(late.clear, 0, union(hits)))
            new = Signal(counters)
            for slot in range(slots):
                m.d.comb += new[slot].eq(Mux(late.clear, 0, old[slot]) + value[slot])
            m.d.comb += store.write_data.eq(new)

        def add_outputs() -> None:
            # Of each slot the sums up to each step: steps come in order, so that the last sum is
            # that of all rows so far, and an output is the difference of two sums.
            choices = []
            width = output_bits(engine)
            for slot in range(slots):
                sums = [Signal(width, name=f"sum_{slot}_{a}") for a in range(steps)]
                total = Signal(width, name=f"total_{slot}")
                m.d.comb += total.eq(sums[-1] + old[slot])
                for a, sum_ in enumerate(sums):
                    with m.If(late.accumulate & (step <= a)):
                        m.d.sync += sum_.eq(total)
                    with m.If(self.clear_outputs):
                        m.d.sync += sum_.eq(0)
                choices.append(Cat(sums))
            chosen = Signal(data.ArrayLayout(width, steps))
            gated = (Mux(here, choice, 0) for here, choice in zip(self.slot, choices, strict=True))
            with m.If(self.advance):
                m.d.sync += chosen.eq(union(gated))
                for a, output in enumerate(self.sums):
                    m.d.sync += output.eq((chosen[a] - (chosen[a - 1] if a else 0))[:width])

        ask()
        write_back()
        add_outputs()
        return m
