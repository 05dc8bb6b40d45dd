"""Claims about the buses: AXI reader, logit writer, AXI4-Lite registers, and the soft reset."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from amaranth.hdl import Cat, Mux, Signal, Value

from hw import register_map
from hw.formal.claim import Bench, Claim, Harness
from sparsespike.contract.config import load_engine

_BEATS = 5
_LOGITS = 4
_PAGE = 4096
_BYTES = 8


def _axi_reader(module: ModuleType) -> Harness:
    """A memory that answers when it likes; addresses near the end of a page, where bursts part."""
    dut = module.AxiReader(data_bits=64)
    bench = Bench(dut)
    m, bus = bench.m, dut.bus
    offer, beats = (
        bench.drive(dut.command.valid, "offer"),
        bench.drive(dut.command.p.beats, "beats", 3),
    )
    place = bench.free(10, "place")
    m.d.comb += dut.command.p.address[3:13].eq(place)
    ready, data = bench.drive(dut.o.ready, "ready"), bench.drive(bus.rdata, "data", 2)
    bench.drive(bus.arready, "arready")
    rvalid = bench.drive(bus.rvalid, "rvalid")
    bench.given((beats != 0) & (beats <= _BEATS))
    accepted = offer & dut.command.ready
    requested, received = bus.arvalid & bus.arready, bus.rvalid & bus.rready
    length = Signal(9)
    m.d.comb += length.eq(bus.arlen + 1)
    _answers(bench, bus, requested, received, length)
    asked, due = bench.register(4, "asked"), bench.register(4, "due")
    following = bench.register(12, "following")
    m.d.sync += [
        asked.eq(Mux(accepted, beats, asked - Mux(requested, length, 0))),
        due.eq(Mux(accepted, beats, due - received)),
    ]
    with m.If(accepted):
        m.d.sync += following.eq(place)
    with m.Elif(requested):
        m.d.sync += following.eq(following + length)
    bench.waits(bus.arvalid, bus.arready, Cat(bus.araddr, bus.arlen), "address")
    bench.claim(
        ~bus.arvalid | ((length <= asked) & (bus.araddr == following << 3)),
        ~bus.arvalid | (bus.araddr[3:12] + length <= _PAGE // _BYTES),
        dut.o.valid == rvalid,
        ~rvalid | (dut.o.p.data == data),
        ~rvalid | (dut.o.p.last == (due == 1)),
        ~rvalid | (bus.rready == ready),
        dut.command.ready == (due == 0),
        # Whatever is wanted and not under way is asked for: at most two bursts at a time.
        (asked == 0) | bus.arvalid | ~bench.previous(asked != 0, "asked") | _two(bench),
    )
    bench.given(bus.rresp == 0)
    return bench.done()


def _answers(bench: Bench, bus: Any, requested: Value, received: Value, length: Value) -> None:
    """The memory offers beats of what was asked for, in order, and keeps what it offers."""
    m = bench.m
    bursts = [bench.register(9, f"burst_{k}") for k in range(2)]
    count = bench.register(range(4), "bursts")
    last = bursts[0] == 1
    ended = received & last
    m.d.comb += bus.rlast.eq(last)
    m.d.sync += count.eq(count + requested - ended)
    with m.If(received & ~last):
        m.d.sync += bursts[0].eq(bursts[0] - 1)
    with m.If(ended):
        m.d.sync += bursts[0].eq(bursts[1])
    with m.If(requested):
        with m.If((count == 0) | ((count == 1) & ended)):
            m.d.sync += bursts[0].eq(length)
        with m.Else():
            m.d.sync += bursts[1].eq(length)
    bench.given(~bus.rvalid | (count != 0))
    bench.waits(bus.rvalid, bus.rready, Cat(bus.rdata, bus.rresp), "beat", given=True)
    bench.claim(count <= 2)
    bench.bursts = count  # type: ignore[attr-defined]


def _two(bench: Bench) -> Value:
    return bench.bursts == 2  # type: ignore[attr-defined]


def _logit_writer(module: ModuleType) -> Harness:
    engine = load_engine("micro", max_classes=8)
    dut = module.LogitWriter(engine)
    bench = Bench(dut)
    m, bus = bench.m, dut.bus
    start, classes = bench.drive(dut.start, "start"), bench.drive(dut.classes, "classes", 3)
    bench.drive(dut.logit, "logit", 2)
    for name in ("awready", "wready", "bvalid"):
        bench.drive(getattr(bus, name), name)
    busy = bench.register(1, "busy")
    owed, sent, wanted = (bench.register(4, name) for name in ("owed", "sent", "wanted"))
    kept = bench.register(3, "kept")
    addressed, left = bus.awvalid & bus.awready, bus.wvalid & bus.wready
    answered = bus.bvalid & bus.bready
    m.d.sync += [
        busy.eq((busy | start) & ~dut.done),
        owed.eq(owed + (left & bus.wlast) - answered),
        sent.eq(Mux(start, 0, sent + left)),
    ]
    with m.If(start):
        m.d.sync += [kept.eq(classes), wanted.eq((classes + 1) >> 1)]
    # One frame's logits at a time, their number stable; responses to what was written only.
    bench.given(~start | ~busy, ~start | ((classes != 0) & (classes <= _LOGITS)))
    bench.given(~bus.bvalid | (owed != 0))
    bench.given(~busy | (classes == kept))
    bench.waits(bus.awvalid, bus.awready, Cat(bus.awaddr, bus.awlen), "address")
    bench.waits(bus.wvalid, bus.wready, Cat(bus.wdata, bus.wlast), "data")
    bench.claim(
        ~addressed | (bus.awlen + 1 == wanted),
        ~bus.wvalid | (bus.wlast == (sent + 1 == wanted)),
        ~left | (sent < wanted),
        ~dut.done | ((sent == wanted) & answered),
        ~answered | dut.done,
        dut.quiet == ~busy,
    )
    # It never stops by itself: after so many cycles in which the memory was ready, it is done.
    patience = bench.register(5, "patience")
    waits = (bus.awvalid & ~bus.awready) | (bus.wvalid & ~bus.wready) | ((owed != 0) & ~bus.bvalid)
    moved = addressed | left | answered | ~busy
    m.d.sync += patience.eq(Mux(moved | waits, 0, patience + 1))
    bench.claim(patience < 4)
    return bench.done()


def _registers(module: ModuleType) -> Harness:
    dut = module.Registers(load_engine("micro"))
    bench = Bench(dut)
    bus, status = dut.bus, dut.status
    for name in ("awvalid", "wvalid", "bready", "arvalid", "rready"):
        bench.drive(getattr(bus, name), name)
    bench.drive(bus.awaddr, "awaddr"), bench.drive(bus.araddr, "araddr")
    data, strobe = bench.drive(bus.wdata, "wdata", 2), bench.drive(bus.wstrb, "wstrb")
    for name in ("busy", "error"):
        bench.drive(getattr(status, name), name)
    bench.drive(dut.finished, "finished"), bench.drive(dut.failed, "failed")
    value = bench.drive(dut.read_value, "read_value", 2)
    # The counter memory holds its output until the next read.
    bench.given(bench.previous(dut.read, "read") | (value == bench.previous(value, "value")))
    written, read = bus.awvalid & bus.awready, bus.arvalid & bus.arready
    answered, given = bus.bvalid & bus.bready, bus.rvalid & bus.rready
    owed, due = bench.register(2, "owed"), bench.register(2, "due")
    bench.m.d.sync += [owed.eq(owed + written - answered), due.eq(due + read - given)]
    bench.waits(bus.bvalid, bus.bready, bus.bresp, "response")
    bench.waits(bus.rvalid, bus.rready, Cat(bus.rdata, bus.rresp), "value")
    control = bus.awaddr[2:] == register_map.register("CTRL").address >> 2
    bench.claim(
        bus.bvalid == (owed == 1),
        bus.rvalid == (due == 1),
        bus.awready == bus.wready,
        # A transfer that is wanted happens at once, unless the one before it still waits.
        written == (bus.awvalid & bus.wvalid & (owed == 0)),
        read == (bus.arvalid & (due == 0)),
        ~dut.start | (written & control & data[0] & strobe[0] & ~status.busy & ~status.error),
        dut.clear == (written & control & data[1] & strobe[0]),
    )
    return bench.done()


def _soft_reset(module: ModuleType) -> Harness:
    dut = module.SoftReset()
    bench = Bench(dut)
    clear, quiet = bench.drive(dut.clear, "clear"), bench.drive(dut.quiet, "quiet")
    halted, owed = bench.previous(dut.halt, "halt"), bench.register(1, "owed")
    second = dut.reset & bench.previous(dut.reset, "reset")
    bench.m.d.sync += owed.eq((owed | clear) & ~second)
    patience = bench.register(3, "patience")
    bench.m.d.sync += patience.eq(Mux(owed & quiet, patience + 1, 0))
    bench.claim(
        # The core is reset only right after a halted, quiet cycle; a halt lasts until then. A
        # reset is two cycles.
        ~dut.reset | second | (halted & bench.previous(quiet, "quiet")),
        ~bench.previous(dut.reset & ~second, "first") | second,
        ~bench.previous(second, "second") | ~dut.reset,
        ~halted | dut.halt | dut.reset,
        dut.busy == owed,
        patience < 5,
    )
    return bench.done()


CLAIMS = (
    Claim(
        name="axi reader",
        says="every beat asked for is asked for once and passed on once; addresses wait unchanged",
        module="hw.axi_reader",
        harness=_axi_reader,
        broken=(
            ("to_request.eq(to_request - beats)", "to_request.eq(to_request - 1)"),
            ("self.bus.rready.eq(self.o.ready | self.halt)", "self.bus.rready.eq(1)"),
            ("outstanding + requested - ended", "outstanding + requested"),
            ("Mux(near, derived.BURST_BEATS - page[:bits],", "Mux(near, derived.BURST_BEATS,"),
        ),
        depth=7,
    ),
    Claim(
        name="logit writer",
        says="one address, all beats once, one response; everything offered waits unchanged",
        module="hw.logit_writer",
        harness=_logit_writer,
        broken=(
            ("self.bus.wvalid.eq(in_burst)", "self.bus.wvalid.eq(in_burst & self.bus.wready)"),
            ("is_last = beat == beats - 1", "is_last = beat == beats"),
            ("beat.eq(beat + 1)", "beat.eq(beat + 2)"),
        ),
        depth=12,
    ),
    Claim(
        name="registers",
        says="a write gives one response and a read one value, which wait; start only when idle",
        module="hw.registers",
        harness=_registers,
        broken=(
            ("writing | (self.bus.bvalid & ~self.bus.bready)", "writing"),
            ("reading.eq(self.bus.arvalid & ~self.bus.rvalid)", "reading.eq(self.bus.arvalid)"),
            ("commanded[0] & ~commanded[1] & idle", "commanded[0] & ~commanded[1]"),
        ),
        depth=8,
    ),
    Claim(
        name="soft reset",
        says="the core is reset once a clear, only after its buses are quiet, and then at once",
        module="hw.soft_reset",
        harness=_soft_reset,
        broken=(("with m.If(self.quiet):", "with m.If(1):"),),
        depth=8,
    ),
)
