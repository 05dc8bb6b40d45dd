"""Pixel loader: pixels from the bus become words of bit-planes in the spike memory."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from hw import layouts
from hw.axi_reader import beat_layout
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class PixelLoader(wiring.Component):
    """Writes `passes` words per pixel, pass 0 first: slot c is channel c, bit a is bit pass*A + a.

    Timing: a beat taken at r is written at r + 1, r + 2, ..., one word a cycle; the next beat is
    taken no earlier than in the cycle of its last word.

    Members:
        begin: a new image of `pixels` pixels goes to word `base` on.
        i: beats of PIXEL_BYTES-byte pixels.
        write: the word written in this cycle.
        finishing: nothing is left to write after this cycle.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        super().__init__(
            {
                "begin": In(1),
                "pixels": In(24),
                "base": In(32),
                "i": In(stream.Signature(beat_layout(engine.axi_data_bits))),
                "write": Out(layouts.write_bus(engine)),
                "finishing": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        passes = derived.pixel_passes(self.engine)
        per_beat = derived.pixels_per_beat(self.engine)
        busy = Signal()
        beat = Signal(self.engine.axi_data_bits)
        place = Signal(range(max(2, per_beat)))
        step = Signal(range(max(2, passes)))
        left = Signal(24)
        word = Signal(32)
        last_step, last_word = Signal(), Signal()

        m.d.comb += [
            last_step.eq(step == passes - 1),
            last_word.eq(last_step & ((place == per_beat - 1) | (left == 1))),
            self.finishing.eq(~busy | last_word),
            self.i.ready.eq(self.finishing),
        ]
        with m.If(busy):
            m.d.sync += word.eq(word + 1)
            m.d.sync += step.eq(Mux(last_step, 0, step + 1))
            with m.If(last_step):
                m.d.sync += [left.eq(left - 1), place.eq(place + 1)]
            with m.If(last_word):
                m.d.sync += busy.eq(0)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [busy.eq(1), beat.eq(self.i.p.data), place.eq(0)]
        with m.If(self.begin):
            m.d.sync += [left.eq(self.pixels), word.eq(self.base)]

        pixel = beat.word_select(place, 8 * derived.PIXEL_BYTES) if per_beat > 1 else beat
        self._write(m, valid=busy, pixel=pixel, step=step, word=word)
        return m

    def _write(self, m: Module, *, valid: Value, pixel: Value, step: Value, word: Value) -> None:
        engine = self.engine
        words = derived.words_per_line(engine)
        units = engine.chunk // derived.unit_slots(engine)
        steps = engine.time_steps
        padding = Const(0, derived.pixel_passes(engine) * steps - derived.PIXEL_BITS)
        channels = [
            Cat(pixel.word_select(c, 8), padding).word_select(step, steps)
            for c in range(derived.PIXEL_BYTES)
        ]
        slots = Cat(*channels, Const(0, (engine.chunk - derived.PIXEL_BYTES) * steps))
        low = exact_log2(words)
        m.d.comb += [
            self.write.valid.eq(valid),
            self.write.memory.eq(layouts.MemoryKind.SPIKE),
            self.write.address.eq(word >> low),
            self.write.data.eq(slots.replicate(words)),
            self.write.enable.eq(Const((1 << units) - 1, units) << (word[:low] * units)),
        ]
