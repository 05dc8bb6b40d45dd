"""K^T V counter rows and the outputs of a query."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from hw.cluster_layouts import head_slots, sums_layout
from sparsespike.contract.config import EngineConfig


def counter_bits(engine: EngineConfig) -> int:
    """Bits of a K^T V counter: it counts tokens."""
    return engine.max_tokens.bit_length()


def output_bits(engine: EngineConfig) -> int:
    """Bits of an output: a sum of counters over the head's slots."""
    return min((head_slots(engine) * engine.max_tokens).bit_length(), engine.accumulator_bits - 1)


class AttentionCounters(wiring.Component):
    """One counter row (all value slots and steps of a key slot) is updated or added a cycle.

    A row asked for in c is read in c and written, or added to the outputs, in c + 1; the next row
    must be another one. The outputs stand from c + 2 on. Never stalls.

    Members:
        clear: all rows count as 0. clear_outputs: the outputs become 0.
        update: row += `bits` & `values` (values of the next cycle).
        accumulate: outputs += row, where `bits`.
        row, bits: which row; the key's or query's spikes, a bit a step.
        values: the value spikes, a vector of slots a step.
        slot, sums: an output, unregistered.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        super().__init__(
            {
                "clear": In(1),
                "clear_outputs": In(1),
                "update": In(1),
                "accumulate": In(1),
                "row": In(range(max(2, engine.attention_depth))),
                "bits": In(engine.time_steps),
                "values": In(data.ArrayLayout(head_slots(engine), engine.time_steps)),
                "slot": In(range(head_slots(engine))),
                "sums": Out(sums_layout(engine)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self._engine
        slots, steps = head_slots(engine), engine.time_steps
        depth = max(2, engine.attention_depth)
        counters = data.ArrayLayout(data.ArrayLayout(counter_bits(engine), slots), steps)
        store = memory.Memory(shape=counters, depth=depth, init=[])
        m.submodules.counters = store
        write, read = store.write_port(), store.read_port()
        used, started = Signal(depth), Signal()
        row, update = Signal.like(self.row), Signal()
        update_bits, output_gates = Signal(steps), Signal(steps)

        def ask() -> None:
            m.d.comb += [read.addr.eq(self.row), read.en.eq(self.update | self.accumulate)]
            known = used.bit_select(self.row, 1)
            m.d.sync += [
                row.eq(self.row),
                update.eq(self.update),
                started.eq(known),
                update_bits.eq(self.bits),
                output_gates.eq(Mux(self.accumulate & known, self.bits, 0)),
            ]
            with m.If(self.update):
                m.d.sync += used.bit_select(self.row, 1).eq(1)
            with m.If(self.clear):
                m.d.sync += used.eq(0)

        def write_back() -> None:
            m.d.comb += [write.addr.eq(row), write.en.eq(update)]
            for step in range(steps):
                hits = Mux(update_bits[step], self.values[step], 0)
                for slot in range(slots):
                    old = Mux(started, read.data[step][slot], 0)
                    m.d.comb += write.data[step][slot].eq(old + hits[slot])

        def add_outputs() -> None:
            choices = []
            width = output_bits(engine)
            for slot in range(slots):
                outputs = [Signal(width, name=f"output_{slot}_{step}") for step in range(steps)]
                for step, output in enumerate(outputs):
                    counter = read.data[step][slot]
                    with m.If(output_gates[step]):
                        m.d.sync += output.eq(output + counter)
                    with m.If(self.clear_outputs):
                        m.d.sync += output.eq(0)
                choices.append(Cat(outputs))
            chosen = Signal(data.ArrayLayout(width, steps))
            m.d.comb += chosen.eq(Array(choices)[self.slot])
            m.d.comb += [sum_.eq(one) for sum_, one in zip(self.sums, chosen, strict=True)]

        ask()
        write_back()
        add_outputs()
        return m
