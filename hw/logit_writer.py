"""Logit writer: sends the logits to memory as 32-bit integers."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from hw import axi
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig

BURST_BEATS = 256


class LogitWriter(wiring.Component):
    """Gathers logits into beats and writes them from a 4 KiB-aligned address on.

    Timing: started at D - 1, AWVALID stands in D; then logits_per_beat cycles of gathering and one
    of sending per beat, from D + 1 on; `done` in the cycle of the last response. AWREADY, WREADY
    and the response can hold it up. A further burst's address goes out while its first beat is
    gathered.

    Members:
        start: begin in the next cycle.
        address, classes: where to, how many.
        index, logit: read port of the logit memory (1 cycle).
        done: the last response is here; failed: a response reports an error.
        sent: a data beat leaves in this cycle.
        quiet: nothing is under way.
        bus: the write channels.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        super().__init__(
            {
                "start": In(1),
                "address": In(axi.ADDRESS_BITS),
                "classes": In(16),
                "index": Out(range(engine.max_classes)),
                "logit": In(signed(32)),
                "done": Out(1),
                "failed": Out(1),
                "sent": Out(1),
                "quiet": Out(1),
                "bus": Out(axi.axi4_write(data_bits=engine.axi_data_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        per_beat = derived.logits_per_beat(self.engine)
        low = exact_log2(per_beat)
        beats = (self.classes + (per_beat - 1)) >> low
        to_address = Signal(16)
        open_bursts = Signal(16)
        addressed = self.bus.awvalid & self.bus.awready
        in_burst = Signal()

        def addresses() -> None:
            address = Signal(axi.ADDRESS_BITS)
            length = Mux(to_address < BURST_BEATS, to_address, BURST_BEATS)
            m.d.comb += [
                self.bus.awvalid.eq((to_address != 0) & ~in_burst),
                self.bus.awaddr.eq(address),
                self.bus.awlen.eq(length - 1),
                self.bus.awsize.eq(exact_log2(self.engine.axi_data_bits // 8)),
                self.bus.awburst.eq(axi.INCREMENTING),
                self.bus.awcache.eq(axi.CACHEABLE),
            ]
            with m.If(self.start):
                m.d.sync += [to_address.eq(beats), address.eq(self.address)]
            with m.Elif(addressed):
                m.d.sync += to_address.eq(to_address - length)
                m.d.sync += address.eq(address + BURST_BEATS * (self.engine.axi_data_bits // 8))

        def responses() -> None:
            answered = self.bus.bvalid & self.bus.bready
            m.d.comb += [
                self.bus.bready.eq(1),
                self.failed.eq(answered & (self.bus.bresp != 0)),
            ]
            m.d.sync += open_bursts.eq(open_bursts + addressed - answered)
            with m.If(addressed):
                m.d.sync += in_burst.eq(1)
            with m.Elif(self.sent & self.bus.wlast):
                m.d.sync += in_burst.eq(0)

        addresses()
        responses()
        m.d.comb += [
            self.bus.wstrb.eq(~0),
            self.sent.eq(self.bus.wvalid & self.bus.wready),
        ]
        self._send(m, in_burst=in_burst, beats=beats, open_bursts=open_bursts)
        return m

    def _send(self, m: Module, *, in_burst: Value, beats: Value, open_bursts: Value) -> None:
        per_beat = derived.logits_per_beat(self.engine)
        position = Signal(16)
        beat = Signal(16)
        gathered = Signal(self.engine.axi_data_bits)
        place = position[: exact_log2(per_beat)]
        is_last = beat == beats - 1
        upcoming = Signal(16)
        m.d.sync += position.eq(upcoming)
        m.d.comb += [
            upcoming.eq(position),
            self.index.eq(upcoming),
            self.bus.wdata.eq(gathered),
            self.bus.wlast.eq(is_last | beat[: exact_log2(BURST_BEATS)].all()),
        ]
        with m.FSM() as states:
            m.d.comb += self.quiet.eq(states.ongoing("Idle"))
            with m.State("Idle"):
                m.d.comb += upcoming.eq(0)
                m.d.sync += beat.eq(0)
                with m.If(self.start):
                    m.next = "Address"
            with m.State("Address"):
                with m.If(self.bus.awready):
                    m.next = "Gather"
            with m.State("Gather"):
                m.d.comb += upcoming.eq(position + 1)
                m.d.sync += gathered.word_select(place, 32).eq(
                    Mux(position < self.classes, self.logit, 0)
                )
                with m.If(place == per_beat - 1):
                    m.next = "Send"
            with m.State("Send"):
                m.d.comb += self.bus.wvalid.eq(in_burst)
                with m.If(self.sent):
                    m.d.sync += beat.eq(beat + 1)
                    m.next = "Gather"
                    with m.If(is_last):
                        m.next = "Response"
            with m.State("Response"):
                with m.If(self.bus.bvalid & (open_bursts == 1)):
                    m.d.comb += self.done.eq(1)
                    m.next = "Idle"
