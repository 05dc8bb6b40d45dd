"""Leaky integrate-and-fire over the steps of a group, one stage a step."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from hw.cluster_layouts import neuron_slots
from sparsespike.contract.config import EngineConfig


class MembranePipeline(wiring.Component):
    """Membranes of all slots, and the spikes of a take.

    `slot` is presented in c, the currents in c + 1; step a is computed in c + 2 + a, the spikes
    stand at `spikes` in c + A + 1 (unregistered), and the membrane can be read again from c + A + 2
    on. One take a cycle; takes of one slot stand at least A + 2 cycles apart. Never stalls.

    The membrane kept is R = P << (T - t): then R = (R >> 1) + (current << (T - 1)) is P's rule,
    exactly, the shift is the same in every step, and R is compared with the threshold as it is:
    (R >> 1) + (current - threshold) >= 0 needs no second sum behind the first.

    Members:
        slot: the membrane wanted.
        valid, fresh, steps, currents, threshold: one cycle later: it is a take; P starts at 0; the
            steps that may fire; currents << (T - 1).
        spikes: one bit a step.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        bits, steps = engine.membrane_bits, engine.time_steps
        super().__init__(
            {
                "slot": In(range(neuron_slots(engine))),
                "valid": In(1),
                "fresh": In(1),
                "steps": In(steps),
                "currents": In(data.ArrayLayout(signed(bits), steps)),
                "threshold": In(signed(bits + 1)),
                "spikes": Out(steps),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self._engine
        bits, steps = signed(engine.membrane_bits), engine.time_steps
        store = memory.Memory(shape=bits, depth=neuron_slots(engine), init=[])
        m.submodules.membranes = store
        write, read = store.write_port(), store.read_port()
        m.d.comb += read.addr.eq(self.slot)

        def delayed(value: Signal) -> Signal:
            register = Signal.like(value)
            m.d.sync += register.eq(value)
            return register

        # The slot lags one cycle behind the currents it belongs to.
        slot = delayed(delayed(self.slot))
        valid, enables = delayed(self.valid), delayed(self.steps)
        currents = [delayed(current) for current in self.currents]
        margins = [
            Signal(signed(len(self.threshold) + 1), name=f"margin_{a}") for a in range(steps)
        ]
        for margin, current in zip(margins, self.currents, strict=True):
            m.d.sync += margin.eq(current - self.threshold)
        membrane = Signal(bits)
        m.d.sync += membrane.eq(Mux(self.fresh, 0, read.data))
        fired: list[Signal] = []
        for step in range(steps):
            moved, fires = Signal(bits, name=f"moved_{step}"), Signal(name=f"fires_{step}")
            kept = Signal(bits, name=f"kept_{step}")
            m.d.comb += [
                moved.eq((membrane >> 1) + currents[step]),
                fires.eq(enables[step] & ((membrane >> 1) + margins[step] >= 0)),
                kept.eq(Mux(fires, 0, moved)),
            ]
            fired.append(fires)
            if step == steps - 1:
                break
            membrane, enables = delayed(kept), delayed(enables)
            slot, valid = delayed(slot), delayed(valid)
            currents = [delayed(current) for current in currents]
            margins = [delayed(margin) for margin in margins]
            fired = [delayed(bit) for bit in fired]
        m.d.comb += [write.addr.eq(slot), write.data.eq(kept), write.en.eq(valid)]
        m.d.comb += self.spikes.eq(Cat(fired))
        return m
