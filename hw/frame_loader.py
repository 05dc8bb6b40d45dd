"""Frame loader: what is read from memory before the first layer, and the start of the weights."""

from __future__ import annotations

from amaranth.hdl import Module, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from hw import axi
from hw.axi_reader import command_layout
from hw.header import header_layout
from hw.read_router import Target
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class FrameLoader(wiring.Component):
    """Commands the reader: header, descriptors, image, then the weight stream.

    Timing: started in cycle 0, the header's command stands in cycle 1; a header whose last beat
    came at R is checked in R + 1 and the next command stands in R + 2; the commands of image
    and weights stand in the cycle after the last beat before them. `done` is the cycle of the
    last pixel's last word.

    Members:
        start: cycle 0.
        halt: stop for good.
        program, image: byte addresses, page-aligned.
        command: to the reader; target: who gets its beats.
        accepted_last: the last beat of a command is taken in this cycle.
        header, header_valid: the program's header; right after its last beat.
        rewind: descriptors begin; begin_image: pixels begin.
        pixels_finishing: no pixel word is left after this cycle.
        done: the first layer begins in the next cycle.
        failed: the header is bad.
        idle: waiting for `start`.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        super().__init__(
            {
                "start": In(1),
                "halt": In(1),
                "program": In(axi.ADDRESS_BITS),
                "image": In(axi.ADDRESS_BITS),
                "command": Out(stream.Signature(command_layout())),
                "target": Out(Target),
                "accepted_last": In(1),
                "header": In(header_layout()),
                "header_valid": In(1),
                "rewind": Out(1),
                "begin_image": Out(1),
                "pixels_finishing": In(1),
                "done": Out(1),
                "failed": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        per_beat = derived.pixels_per_beat(self.engine)
        program = (self.program >> axi.PAGE_BITS) << axi.PAGE_BITS
        record = derived.descriptor_beats(self.engine)

        def read(address: Value, beats: Value | int, *, then: str) -> None:
            m.d.comb += [
                self.command.valid.eq(~self.halt),
                self.command.p.address.eq(address),
                self.command.p.beats.eq(beats),
            ]
            with m.If(self.command.ready):
                m.next = then

        def wait(target: Target, *, then: str) -> None:
            with m.If(self.accepted_last):
                m.d.sync += self.target.eq(target)
                m.next = then

        with m.FSM() as states:
            m.d.comb += self.idle.eq(states.ongoing("Idle"))
            with m.State("Idle"):
                with m.If(self.start & ~self.halt):
                    m.d.sync += self.target.eq(Target.HEADER)
                    m.next = "Read header"
            with m.State("Read header"):
                read(program, record, then="Header")
            with m.State("Header"):
                wait(Target.DESCRIPTORS, then="Check header")
            with m.State("Check header"):
                m.d.comb += [self.failed.eq(~self.header_valid), self.rewind.eq(1)]
                m.next = "Read descriptors"
                with m.If(self.failed):
                    m.next = "Idle"
            with m.State("Read descriptors"):
                first = program + derived.DESCRIPTOR_BYTES
                read(first, self.header.layers << exact_log2(record), then="Descriptors")
            with m.State("Descriptors"):
                wait(Target.PIXELS, then="Read image")
            with m.State("Read image"):
                m.d.comb += self.begin_image.eq(1)
                beats = (self.header.pixels + (per_beat - 1)) >> exact_log2(per_beat)
                read((self.image >> axi.PAGE_BITS) << axi.PAGE_BITS, beats, then="Image")
            with m.State("Image"):
                wait(Target.WEIGHTS, then="Read weights")
            with m.State("Read weights"):
                weights = program + self.header.weight_offset
                read(weights, self.header.weight_beats, then="Pixels")
                self._end(m)
            with m.State("Pixels"):
                self._end(m)
        return m

    def _end(self, m: Module) -> None:
        with m.If(self.pixels_finishing):
            m.d.comb += self.done.eq(1)
            m.next = "Idle"
