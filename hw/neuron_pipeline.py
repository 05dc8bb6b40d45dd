"""From the sums of a take to the contents of a row."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.bits import tree_sum
from hw.cluster_layouts import merge_layout, sums_layout, take_layout
from hw.membrane_pipeline import MembranePipeline
from hw.score_pipeline import ScorePipeline
from hw.tile_store import constants_layout
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import Operation, Output


class NeuronPipeline(wiring.Component):
    """Adds the bias, fires or scores, and collects a row.

    A take in k gives its contribution to the row in k + `neuron_latency` - 1; if it completes the
    row, `fill` is high in that cycle. One take a cycle, never stalls.

    Members:
        descriptor: the layer.
        biased: the layer's takes add their bias.
        take, i: a take happens in this cycle.
        sums, constants: one cycle later: its sums and constants.
        fill, merge, spikes, value: a complete row.
        fired: spikes of the take that leaves in this cycle.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        super().__init__(
            {
                "descriptor": In(layouts.descriptor_layout()),
                "biased": In(1),
                "take": In(1),
                "i": In(take_layout(engine)),
                "sums": In(sums_layout(engine)),
                "constants": In(constants_layout(engine)),
                "fill": Out(1),
                "merge": Out(merge_layout(engine)),
                "spikes": Out(derived.lane_pitch(engine) * engine.time_steps),
                "value": Out(signed(32)),
                "fired": Out(engine.time_steps),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine, layer = self._engine, self.descriptor
        steps, accumulator = engine.time_steps, signed(engine.accumulator_bits)
        deepest = derived.neuron_latency(engine) - 1
        m.submodules.membranes = membranes = MembranePipeline(engine)
        hidden = Signal(signed(min(32, engine.accumulator_bits + steps.bit_length() + 1)))
        m.submodules.score = score = ScorePipeline(hidden_bits=len(hidden))

        def delayed(value: Value, cycles: int) -> Value:
            for _ in range(cycles):
                register = Signal.like(value, init=0)
                m.d.sync += register.eq(value)
                value = register
            return value

        def collapse() -> None:
            attention = layer.operation == Operation.ATTENTION
            bias, threshold = Signal(accumulator), Signal(signed(48))
            limit = Signal(membranes.threshold.shape())
            terms = [Mux(layer.pixel, acc << a, acc) for a, acc in enumerate(self.sums)]
            pairs = [tree_sum(terms[a : a + 2]) for a in range(0, steps, 2)]
            parts = [delayed(part, 1) for part in [*pairs, bias]]
            shift = (layer.time_steps - 1)[: (derived.MAX_TIME_STEPS - 1).bit_length()]
            m.d.comb += [
                bias.eq(Mux(self.biased, self.constants.bias, 0)),
                membranes.threshold.eq(delayed(limit, 1)),
            ]
            m.d.sync += [
                hidden.eq(tree_sum(parts)),
                threshold.eq(Mux(attention, layer.threshold, self.constants.threshold)),
                limit.eq(saturate(threshold, engine.membrane_bits)),
            ]
            for a, (acc, current) in enumerate(zip(self.sums, membranes.currents, strict=True)):
                biased, chosen = Signal(accumulator, name=f"biased_{a}"), Signal(accumulator)
                m.d.sync += biased.eq(acc + bias)
                m.d.comb += chosen.eq(Mux(layer.pixel, hidden, delayed(biased, 1)))
                m.d.sync += current.eq(chosen << shift)

        def follow() -> None:
            m.d.comb += [
                membranes.slot.eq(delayed(self.i.slot, 3)),
                membranes.valid.eq(delayed(self.take, 4)),
                membranes.fresh.eq(delayed(self.i.fresh, 4)),
                membranes.steps.eq(delayed(Mux(self.take, self.i.steps, 0), 4)),
                score.hidden.eq(hidden),
                score.shift.eq(layer.shift),
                score.multiplier.eq(delayed(self.constants.multiplier, 2)),
                score.weight.eq(delayed(self.constants.score_weight, 2)),
            ]

        def chosen_place() -> Value:
            """Slot of the row that the take of the cycle before fills."""
            slot = delayed(self.i.slot, 1)[: (derived.lane_pitch(engine) - 1).bit_length()]
            if engine.lane_channels == 1:
                return slot
            return Mux(layer.operation == Operation.ATTENTION, slot, self.constants.place)

        def collect() -> None:
            out, complete = delayed(self.take, deepest), delayed(self.i.complete, deepest)
            pitch = derived.lane_pitch(engine)
            place = delayed(chosen_place(), deepest - 1)
            placed = Cat(Mux(place == slot, self.fired, 0) for slot in range(pitch))
            collected, total = Signal.like(self.spikes), Signal(signed(32))
            own = delayed(score.o, deepest - 9)
            score_sum = total + own
            is_score = layer.output == Output.SCORE
            m.d.comb += [
                self.fired.eq(delayed(membranes.spikes, deepest - 4 - steps)),
                self.fill.eq(out & complete),
                self.merge.eq(delayed(self.i.merge.as_value(), deepest)),
                self.spikes.eq(collected | placed),
                self.value.eq(Mux(is_score, score_sum, delayed(hidden, deepest - 3))),
            ]
            with m.If(out):
                m.d.sync += collected.eq(Mux(complete, 0, self.spikes))
                m.d.sync += total.eq(Mux(complete, 0, score_sum))

        collapse()
        follow()
        collect()
        return m


def saturate(value: Value, bits: int) -> Value:
    """`value` clamped to -2**(bits-1) .. 2**(bits-1), one more than a signed number of `bits`."""
    high, low = 1 << bits - 1, -(1 << bits - 1)
    clamped = Mux(value > high, Const(high, signed(bits + 1)), value)
    return Mux(value < low, Const(low, signed(bits + 1)), clamped)
