"""AXI reader: one command at a time becomes bursts; its beats leave as a stream."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from hw import axi
from sparsespike.contract import derived


def command_layout() -> data.StructLayout:
    """A read command: byte address (aligned to a beat) and beats (at least 1)."""
    return data.StructLayout({"address": axi.ADDRESS_BITS, "beats": 32})


def beat_layout(data_bits: int) -> data.StructLayout:
    """A beat; `last` marks the last one of its command."""
    return data.StructLayout({"data": data_bits, "last": 1})


class AxiReader(wiring.Component):
    """Reads what a command names, in order, in bursts of up to BURST_BEATS beats.

    Timing: a command at cycle c raises ARVALID at c + 1; burst j at
    max(a_{j-1} + 1, R_{j-2} + 1), later only while ARREADY is low. Beats pass through in the
    cycle they arrive; RREADY is the consumer's ready. The next command may be accepted in the
    cycle after the last beat. Bursts end at 4 KiB pages.

    Members:
        command: what to read; ready while nothing is being read.
        o: the beats.
        halt: issue no more bursts, swallow all beats.
        quiet: no burst is outstanding and no address is being offered.
        received: a beat arrived in this cycle.
        failed: a beat arrived with an error response.
        bus: the read channels.
    """

    def __init__(self, *, data_bits: int) -> None:
        self.data_bits = data_bits
        super().__init__(
            {
                "command": In(stream.Signature(command_layout())),
                "o": Out(stream.Signature(beat_layout(data_bits))),
                "halt": In(1),
                "quiet": Out(1),
                "received": Out(1),
                "failed": Out(1),
                "bus": Out(axi.axi4_read(data_bits=data_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # `pending`: there are beats to request.
        busy, pending = Signal(), Signal()
        address = Signal(axi.ADDRESS_BITS)
        to_request = Signal(32)
        to_receive = Signal(32)
        offered = Signal()
        outstanding = Signal(range(derived.OUTSTANDING_BURSTS + 1))
        beats = self._burst_beats(m, address, to_request)
        requested, ended = Signal(), Signal()

        def request() -> None:
            room = outstanding < derived.OUTSTANDING_BURSTS
            m.d.comb += [
                self.bus.arvalid.eq(offered | (~self.halt & room & pending)),
                self.bus.araddr.eq(address),
                self.bus.arlen.eq(beats - 1),
                self.bus.arsize.eq(exact_log2(self.data_bits // 8)),
                self.bus.arburst.eq(axi.INCREMENTING),
                self.bus.arcache.eq(axi.CACHEABLE),
                requested.eq(self.bus.arvalid & self.bus.arready),
            ]
            m.d.sync += offered.eq(self.bus.arvalid & ~self.bus.arready)
            with m.If(requested):
                m.d.sync += [to_request.eq(to_request - beats), pending.eq(to_request != beats)]
                m.d.sync += address.eq(address + (beats << exact_log2(self.data_bits // 8)))

        def receive() -> None:
            m.d.comb += [
                self.bus.rready.eq(self.o.ready | self.halt),
                self.o.valid.eq(self.bus.rvalid & ~self.halt),
                self.o.p.data.eq(self.bus.rdata),
                self.o.p.last.eq(to_receive == 1),
                self.received.eq(self.bus.rvalid & self.bus.rready),
                self.failed.eq(self.received & (self.bus.rresp != 0)),
                ended.eq(self.received & self.bus.rlast),
            ]
            m.d.sync += outstanding.eq(outstanding + requested - ended)
            with m.If(self.received):
                m.d.sync += to_receive.eq(to_receive - 1)
                with m.If(self.o.p.last):
                    m.d.sync += busy.eq(0)

        request()
        receive()
        m.d.comb += [
            self.command.ready.eq(~busy & ~self.halt),
            self.quiet.eq((outstanding == 0) & ~self.bus.arvalid),
        ]
        accepted = self.command.valid & self.command.ready
        # Numbers that stand there without a command do no harm.
        with m.If(~busy):
            m.d.sync += [
                busy.eq(accepted),
                pending.eq(accepted),
                address.eq(self.command.p.address),
                to_request.eq(self.command.p.beats),
                to_receive.eq(self.command.p.beats),
            ]
        return m

    def _burst_beats(self, m: Module, address: Value, to_request: Value) -> Value:
        """Beats of the next burst: up to the limit, the page's end or the command's end."""
        page = address[exact_log2(self.data_bits // 8) : axi.PAGE_BITS]
        bits = exact_log2(derived.BURST_BEATS)
        # The last burst of a page is what its low bits leave; all else is compared in few bits.
        near, few = page[bits:].all(), ~to_request[bits:].any()
        limit = Signal(range(derived.BURST_BEATS + 1))
        beats = Signal.like(limit)
        m.d.comb += [
            limit.eq(Mux(near, derived.BURST_BEATS - page[:bits], derived.BURST_BEATS)),
            beats.eq(Mux(few & (to_request[:bits] < limit), to_request[:bits], limit)),
        ]
        return beats
