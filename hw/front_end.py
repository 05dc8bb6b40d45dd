"""Front end: everything that comes from memory, up to the layers' beginning."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw import axi, layouts
from hw.axi_reader import AxiReader
from hw.descriptor_store import DescriptorStore
from hw.frame_loader import FrameLoader
from hw.header import Header
from hw.pixel_loader import PixelLoader
from hw.read_router import ReadRouter, Target
from hw.weight_loader import WeightLoader
from sparsespike.contract.config import EngineConfig


class FrontEnd(wiring.Component):
    """Reader, and the four blocks its beats go to. Wiring only.

    Timing: see FrameLoader, AxiReader and the four.

    Members:
        start, halt: cycle 0 of a frame; stop for good and swallow what still comes.
        program, image, output: byte addresses; the last one only to check it.
        bus: the read channels.
        layers: of the program.
        fetch, layer: fetch a descriptor; fetched, valid, descriptor: it is here, good, and what.
        pixels: words for the spike memory.
        free, load, select: to and from the clusters, see WeightLoader.
        done: the first layer begins in the next cycle.
        received: a beat arrived. quiet: no burst is under way. idle: waiting for `start`.
        bad_header, bad_read, bad_stream: errors.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        address = axi.ADDRESS_BITS
        super().__init__(
            {
                "start": In(1),
                "halt": In(1),
                "program": In(address),
                "image": In(address),
                "output": In(address),
                "bus": Out(axi.axi4_read(data_bits=engine.axi_data_bits)),
                "layers": Out(16),
                "fetch": In(1),
                "layer": In(16),
                "fetched": Out(1),
                "valid": Out(1),
                "descriptor": Out(layouts.descriptor_layout()),
                "pixels": Out(layouts.write_bus(engine)),
                "free": In(engine.clusters),
                "load": Out(layouts.load_bus(engine)),
                "select": Out(engine.clusters),
                "done": Out(1),
                "received": Out(1),
                "quiet": Out(1),
                "idle": Out(1),
                "bad_header": Out(1),
                "bad_read": Out(1),
                "bad_stream": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = self.engine.axi_data_bits
        m.submodules.reader = reader = AxiReader(data_bits=bits)
        m.submodules.router = router = ReadRouter(data_bits=bits)
        m.submodules.loader = loader = FrameLoader(self.engine)
        m.submodules.header = header = Header(self.engine)
        m.submodules.store = store = DescriptorStore(self.engine)
        m.submodules.pixels = pixels = PixelLoader(self.engine)
        m.submodules.weights = weights = WeightLoader(self.engine)

        connect(m, loader.command, reader.command)
        connect(m, reader.o, router.i)
        connect(m, flipped(self.bus), reader.bus)
        targets = {
            Target.HEADER: header,
            Target.DESCRIPTORS: store,
            Target.PIXELS: pixels,
            Target.WEIGHTS: weights,
        }
        for target, block in targets.items():
            connect(m, router.o[target.value], block.i)
        addresses = (self.program, self.image, self.output)
        for low, address in zip(header.addresses, addresses, strict=True):
            m.d.comb += low.eq(address)
        m.d.comb += [
            router.target.eq(loader.target),
            reader.halt.eq(self.halt),
            self.received.eq(reader.received),
            self.quiet.eq(reader.quiet),
            self.bad_read.eq(reader.failed),
            loader.start.eq(self.start),
            loader.halt.eq(self.halt),
            loader.program.eq(self.program),
            loader.image.eq(self.image),
            loader.accepted_last.eq(router.accepted_last),
            loader.header.eq(header.fields),
            loader.header_valid.eq(header.valid),
            loader.pixels_finishing.eq(pixels.finishing),
            self.done.eq(loader.done),
            self.idle.eq(loader.idle),
            self.bad_header.eq(loader.failed),
            self.layers.eq(header.fields.layers),
            store.rewind.eq(loader.rewind),
            store.fetch.eq(self.fetch),
            store.layer.eq(self.layer),
            self.fetched.eq(store.done),
            self.valid.eq(store.valid),
            self.descriptor.eq(store.descriptor),
            pixels.begin.eq(loader.begin_image),
            pixels.pixels.eq(header.fields.pixels),
            pixels.base.eq(header.fields.pixel_base),
            self.pixels.eq(pixels.write),
            weights.free.eq(self.free),
            self.load.eq(weights.load),
            self.select.eq(weights.select),
            self.bad_stream.eq(weights.failed),
        ]
        return m
