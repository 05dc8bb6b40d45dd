"""What a scan read, as the broadcast register wants it."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.bits import step_major
from hw.cluster_layouts import SHIFT_BITS, digit_vectors
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class WordSelect(wiring.Component):
    """Chooses spikes, counts or the padding of an image.

    Combinational. Spikes are digit 0; the digits above it are those of a count even then, and not
    to be walked.

    Members:
        descriptor: the layer.
        outside, shift: of the scan whose words stand at the memories' outputs.
        spikes, counts: the word read from the spike or the count memory.
        walked: the layer's words have this digit.
        values: each digit's vectors of slots; slots: their union.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        bits = engine.chunk * engine.time_steps
        digits = derived.count_digits(engine)
        super().__init__(
            {
                "descriptor": In(layouts.descriptor_layout()),
                "outside": In(1),
                "shift": In(SHIFT_BITS),
                "spikes": In(bits),
                "counts": In(bits * engine.count_bits),
                "walked": Out(digits),
                "values": Out(data.ArrayLayout(digit_vectors(engine), digits)),
                "slots": Out(data.ArrayLayout(engine.chunk, digits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine, layer = self._engine, self.descriptor
        chunk, steps, planes = engine.chunk, engine.time_steps, engine.count_bits
        width, bits = engine.digit_bits, range(engine.digit_bits)

        def padding() -> Value:
            passes = range(0, derived.pixel_passes(engine) * steps, steps)
            slots = []
            for channel in range(derived.PIXEL_BYTES):
                byte = layer.pad.word_select(channel, derived.PIXEL_BITS)
                slot = Signal(steps, name=f"pad_{channel}")
                with m.Switch(self.shift):
                    for first in passes:
                        with m.Case(first):
                            m.d.comb += slot.eq(byte[first : first + steps])
                slots.append(slot)
            return Cat(slots, Const(0, (chunk - derived.PIXEL_BYTES) * steps))

        def plane(number: int) -> Signal:
            places = range(number, len(self.counts), planes)
            vector = Signal(chunk * steps, name=f"plane_{number}")
            counts = Cat(self.counts[place] for place in places)
            if number < width:
                spikes = 0 if number else Mux(self.outside, pads, self.spikes)
                counts = Mux(layer.source_counts, counts, spikes)
            m.d.comb += vector.eq(counts)
            return vector

        def any_step(vector: Value) -> Value:
            return Cat(vector.word_select(slot, steps).any() for slot in range(chunk))

        def loud_slots(number: int) -> Value:
            """Found before the choice, not behind it: the memories' outputs come late."""
            places = range(number * width, min(planes, (number + 1) * width))
            counts = Cat(
                Cat(
                    self.counts[(slot * steps + step) * planes + place]
                    for step in range(steps)
                    for place in places
                ).any()
                for slot in range(chunk)
            )
            if number:
                return counts
            spikes = Mux(self.outside, any_step(pads), any_step(self.spikes))
            return Mux(layer.source_counts, counts, spikes)

        pads = padding()
        vectors = [plane(number) for number in range(planes)]
        for digit, values in enumerate(self.values):
            own = vectors[digit * width : (digit + 1) * width]
            missing = Const(0, chunk * steps * (width - len(own)))
            ordered = Cat(*(step_major(vector, steps) for vector in own), missing)
            parts = (ordered.word_select(b * steps + a, chunk) for a in range(steps) for b in bits)
            m.d.comb += values.as_value().eq(Cat(parts))
            m.d.comb += self.slots[digit].eq(loud_slots(digit))
            m.d.comb += self.walked[digit].eq(layer.source_counts & (layer.planes > digit * width))
        return m
