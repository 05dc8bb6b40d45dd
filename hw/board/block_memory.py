"""Block memory: on-chip memory behind the engine's AXI4 manager, shared with the host."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In
from amaranth.utils import ceil_log2, exact_log2

from hw import axi
from hw.board.uart_bridge import ADDRESS_BITS

_DECODE_ERROR = 3
LEAST_LATENCY = 2


class BlockMemory(wiring.Component):
    """Two bursts of reads and one of writes at a time; the host gets what the engine leaves.

    Timing: that of the deterministic memory of docs/engine.md. A burst whose address was taken
    at a gives beat i at max(previous beat + interval, a + latency); addresses of two bursts and
    all write data are taken at once; the response comes `latency` cycles after the last beat.
    Addresses beyond the memory answer DECERR and write nothing. A host's write waits while the
    engine writes, its read while the engine reads.

    size: bytes, a power of two. latency: at least LEAST_LATENCY cycles.

    Members:
        bus: the engine's side.
        host: the host's side, 32-bit; its addresses wrap around.
    """

    def __init__(self, *, data_bits: int, size: int, latency: int, interval: int) -> None:
        if latency < LEAST_LATENCY or interval < 1:
            raise ValueError(
                f"latency {latency}, interval {interval}: must be at least {LEAST_LATENCY} and 1"
            )
        if size & (size - 1) or size < 2 * data_bits // 8:
            raise ValueError(f"size must be a power of two of at least two beats, not {size}")
        self.data_bits, self.size = data_bits, size
        self.latency, self.interval = latency, interval
        super().__init__(
            {
                "bus": In(axi.axi4(data_bits=data_bits)),
                "host": In(axi.axi4_lite(address_bits=ADDRESS_BITS)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        beat_bytes = self.data_bits // 8
        m.submodules.words = words = Memory(
            shape=self.data_bits, depth=self.size // beat_bytes, init=[]
        )
        read, write = words.read_port(), words.write_port(granularity=8)
        engine_address, reads = self._engine_reads(m, read.data)
        engine_writes = self._engine_writes(m, write)
        self._host_reads(m, read, engine_address, reads)
        self._host_writes(m, write, engine_writes)
        return m

    def _index(self, address: Value) -> Value:
        """Word of a byte address; what lies beyond the memory wraps."""
        return address[exact_log2(self.data_bits // 8) : exact_log2(self.size)]

    def _outside(self, address: Value) -> Value:
        return address[exact_log2(self.size) :].any()

    def _burst_layout(self) -> data.StructLayout:
        words = self.size // (self.data_bits // 8)
        return data.StructLayout(
            {
                "valid": 1,
                "outside": 1,
                "index": ceil_log2(words),
                "left": 8,
                "wait": range(self.latency),
            }
        )

    def _engine_reads(self, m: Module, word: Value) -> tuple[Value, Value]:
        """Drives the read channels; the word to read now, and whether a burst is under way."""
        bus, layout = self.bus, self._burst_layout()
        head, following, new = (Signal(layout, name=n) for n in ("head", "following", "new"))
        upcoming_head, upcoming_following = Signal(layout), Signal(layout)
        pause = Signal(range(self.interval))
        beat, last = Signal(), head.left == 0
        m.d.comb += [
            bus.arready.eq(~following.valid),
            bus.rvalid.eq(head.valid & (head.wait == 0) & (pause == 0)),
            bus.rdata.eq(word),
            bus.rresp.eq(Mux(head.outside, _DECODE_ERROR, 0)),
            bus.rlast.eq(last),
            beat.eq(bus.rvalid & bus.rready),
            new.valid.eq(bus.arvalid & bus.arready),
            new.outside.eq(self._outside(bus.araddr)),
            new.index.eq(self._index(bus.araddr)),
            new.left.eq(bus.arlen),
            new.wait.eq(self.latency - 1),
            upcoming_head.eq(head),
            upcoming_following.eq(following),
            upcoming_head.wait.eq(Mux(head.wait == 0, 0, head.wait - 1)),
            upcoming_following.wait.eq(Mux(following.wait == 0, 0, following.wait - 1)),
        ]
        m.d.sync += pause.eq(Mux(beat, self.interval - 1, Mux(pause == 0, 0, pause - 1)))
        with m.If(beat):
            m.d.comb += [
                upcoming_head.index.eq(head.index + 1),
                upcoming_head.left.eq(head.left - 1),
            ]
        with m.If((beat & last) | ~head.valid):
            m.d.comb += [
                upcoming_head.eq(following),
                upcoming_head.wait.eq(Mux(following.wait == 0, 0, following.wait - 1)),
                upcoming_following.valid.eq(0),
            ]
            with m.If(~following.valid):
                m.d.comb += upcoming_head.eq(new)
        with m.Elif(new.valid):
            m.d.comb += upcoming_following.eq(new)
        m.d.sync += [head.eq(upcoming_head), following.eq(upcoming_following)]
        return upcoming_head.index, upcoming_head.valid

    def _engine_writes(self, m: Module, write: wiring.PureInterface) -> Value:
        """Drives the write channels and the memory's write port; whether it writes now."""
        bus = self.bus
        index, outside = Signal(len(self._index(bus.awaddr))), Signal()
        index_now, outside_now = Signal.like(index), Signal()
        wait, closed, failed = Signal(range(self.latency)), Signal(), Signal()
        m.d.comb += [
            bus.awready.eq(1),
            bus.wready.eq(1),
            index_now.eq(Mux(bus.awvalid, self._index(bus.awaddr), index)),
            outside_now.eq(Mux(bus.awvalid, self._outside(bus.awaddr), outside)),
            bus.bvalid.eq(closed & (wait == 0)),
            bus.bresp.eq(Mux(failed, _DECODE_ERROR, 0)),
            write.addr.eq(index_now),
            write.data.eq(bus.wdata),
        ]
        m.d.sync += [
            index.eq(index_now + bus.wvalid),
            outside.eq(outside_now),
            wait.eq(Mux(wait == 0, 0, wait - 1)),
        ]
        with m.If(bus.wvalid & ~outside_now):
            m.d.comb += write.en.eq(bus.wstrb)
        with m.If(bus.bvalid & bus.bready):
            m.d.sync += closed.eq(0)
        with m.If(bus.wvalid & bus.wlast):
            m.d.sync += [closed.eq(1), failed.eq(outside_now), wait.eq(self.latency - 1)]
        return bus.wvalid

    def _host_reads(
        self, m: Module, read: wiring.PureInterface, engine_address: Value, busy: Value
    ) -> None:
        """A word is read in a cycle that the engine leaves, and kept until it is taken."""
        host = self.host
        kept, place, fresh = Signal(32), Signal(range(self.data_bits // 32 or 1)), Signal()
        lanes = exact_log2(self.data_bits // 8)
        m.d.comb += [
            host.arready.eq(~busy & ~host.rvalid & ~fresh),
            read.addr.eq(Mux(busy, engine_address, self._index(host.araddr))),
            host.rdata.eq(kept),
        ]
        m.d.sync += fresh.eq(host.arvalid & host.arready)
        with m.If(host.arvalid & host.arready):
            m.d.sync += place.eq(host.araddr[2:lanes])
        with m.If(fresh):
            m.d.sync += [kept.eq(read.data.word_select(place, 32)), host.rvalid.eq(1)]
        with m.If(host.rvalid & host.rready):
            m.d.sync += host.rvalid.eq(0)

    def _host_writes(self, m: Module, write: wiring.PureInterface, busy: Value) -> None:
        host = self.host
        taken = Signal()
        count = self.data_bits // 32
        lanes = exact_log2(self.data_bits // 8)
        m.d.comb += [
            taken.eq(host.awvalid & host.wvalid & ~busy & ~host.bvalid),
            host.awready.eq(taken),
            host.wready.eq(taken),
        ]
        with m.If(taken):
            m.d.comb += [
                write.addr.eq(self._index(host.awaddr)),
                write.data.eq(host.wdata.replicate(count)),
                write.en.eq(
                    Cat(
                        Mux(host.awaddr[2:lanes] == k, host.wstrb, 0) if count > 1 else host.wstrb
                        for k in range(count)
                    )
                ),
            ]
        m.d.sync += host.bvalid.eq(taken | (host.bvalid & ~host.bready))
