"""What a scan read, as the broadcast register wants it."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.bits import step_major, thermometer
from hw.broadcast_register import word_layout
from hw.cluster_layouts import mask_layout, scan_layout
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class WordSelect(wiring.Component):
    """Chooses spikes, counts or the padding of an image, and the planes that are walked.

    Combinational. Among the planes may be silent ones.

    Members:
        descriptor: the layer. scan: the scan whose words stand at the memories' outputs.
        spikes, values: the word read from the spike or the count memory.
        masks: per lane, the mask word read.
        o: the word for the broadcast register.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        bits = engine.chunk * engine.time_steps
        super().__init__(
            {
                "descriptor": In(layouts.descriptor_layout()),
                "scan": In(scan_layout(engine)),
                "spikes": In(bits),
                "values": In(bits * engine.count_bits),
                "masks": In(data.ArrayLayout(mask_layout(engine), engine.lanes)),
                "o": Out(word_layout(engine)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine, layer = self._engine, self.descriptor
        chunk, steps, planes = engine.chunk, engine.time_steps, engine.count_bits

        def padding() -> Value:
            passes = derived.pixel_passes(engine)
            missing = Const(0, passes * steps - derived.PIXEL_BITS)
            bits = []
            for channel in range(derived.PIXEL_BYTES):
                byte = layer.pad.word_select(channel, derived.PIXEL_BITS)
                bits.append(Cat(byte, missing).word_select(self.scan.chunk[:3], steps))
            return Cat(bits, Const(0, (chunk - derived.PIXEL_BYTES) * steps))

        def count_planes() -> list[Value]:
            return [
                Cat(self.values[place * planes + plane] for place in range(chunk * steps))
                for plane in range(planes)
            ]

        walked = []
        spikes = Mux(self.scan.outside, padding(), self.spikes)
        for plane, counts in enumerate(count_planes()):
            vector = Signal(chunk * steps, name=f"plane_{plane}")
            m.d.comb += vector.eq(Mux(layer.source_counts, counts, 0 if plane else spikes))
            m.d.comb += self.o.values[plane].eq(step_major(vector, steps))
            walked.append((layer.planes > plane) | ~layer.source_counts)
        m.d.comb += [
            self.o.planes.eq(Cat(walked)),
            self.o.shift.eq(Mux(layer.pixel, self.scan.chunk * steps, 0)),
            self.o.last.eq(self.scan.last),
            self.o.final.eq(self.scan.final),
            self.o.half.eq(self.scan.half),
            self.o.active.eq(thermometer(self.scan.lanes, engine.lanes)),
            self.o.masks.eq(self.masks),
        ]
        return m
