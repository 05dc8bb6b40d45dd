"""Claims about a board's block memory, which engine and host share."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from amaranth.hdl import Array, Cat, Const, Mux, Signal, Value

from hw.formal.claim import Bench, Claim, Harness

_BEAT_BYTES = 8
_BEATS = 4
"""In all of the memory."""
_DECODE_ERROR = 3


def _block_memory(module: ModuleType) -> Harness:
    """The engine and a host; neither writes while the engine reads."""
    dut = module.BlockMemory(
        data_bits=8 * _BEAT_BYTES, size=_BEATS * _BEAT_BYTES, latency=3, interval=2
    )
    bench = Bench(dut)
    m, bus, host = bench.m, dut.bus, dut.host
    for name, bits in (("arlen", 2), ("araddr", 6), ("awaddr", 6), ("wdata", 2), ("wstrb", 8)):
        bench.drive(getattr(bus, name), name, bits)
    for name in ("arvalid", "rready", "awvalid", "wvalid", "wlast", "bready"):
        bench.drive(getattr(bus, name), name)
    for name, bits in (("araddr", 5), ("awaddr", 5), ("wdata", 2), ("wstrb", 4)):
        bench.drive(getattr(host, name), f"host_{name}", bits)
    for name in ("arvalid", "rready", "awvalid", "wvalid", "bready"):
        bench.drive(getattr(host, name), f"host_{name}")
    memory = Array(bench.register(8 * _BEAT_BYTES, f"word_{k}") for k in range(_BEATS))
    requested, received = bus.arvalid & bus.arready, bus.rvalid & bus.rready
    place, outside, last, count = _bursts(bench, bus, requested, received)
    bench.waits(bus.rvalid, bus.rready, Cat(bus.rdata, bus.rresp, bus.rlast), "beat")
    bench.claim(
        ~bus.rvalid | (count != 0),
        ~bus.rvalid | outside | (bus.rdata == memory[place]),
        ~bus.rvalid | (bus.rresp == Mux(outside, _DECODE_ERROR, 0)),
        ~bus.rvalid | (bus.rlast == last),
        bus.arready == (count < 2),
    )
    reading = (count != 0) | bus.arvalid | bench.previous(count != 0, "reading")
    bench.given(~reading | ~(bus.awvalid | bus.wvalid | host.awvalid))
    _writes(bench, bus, host, memory)
    _host_reads(bench, host, memory, idle=(count == 0) & ~bus.arvalid)
    # A beat comes when its burst's latency and the interval allow.
    patience = bench.register(4, "patience")
    m.d.sync += patience.eq(Mux((count != 0) & ~bus.rvalid, patience + 1, 0))
    bench.claim(patience < 4)
    return bench.done()


def _bursts(bench: Bench, bus: Any, requested: Value, received: Value) -> tuple[Value, ...]:
    """Of the beat due next: its word, whether it is outside, whether it is the last; bursts."""
    m = bench.m
    fields = {"place": 2, "outside": 1, "left": 2}
    head, following = (
        {name: bench.register(bits, f"{name}_{k}") for name, bits in fields.items()}
        for k in range(2)
    )
    count = bench.register(range(4), "bursts")
    last = head["left"] == 0
    ended = received & last
    new = {"place": bus.araddr[3:5], "outside": bus.araddr[5], "left": bus.arlen}
    m.d.sync += count.eq(count + requested - ended)
    with m.If(received):
        m.d.sync += [head["place"].eq(head["place"] + 1), head["left"].eq(head["left"] - 1)]
    with m.If(ended):
        m.d.sync += [head[name].eq(following[name]) for name in head]
    with m.If(requested):
        with m.If((count == 0) | ((count == 1) & ended)):
            m.d.sync += [head[name].eq(new[name]) for name in head]
        with m.Else():
            m.d.sync += [following[name].eq(new[name]) for name in head]
    return head["place"], head["outside"], last, count


def _writes(bench: Bench, bus: Any, host: Any, memory: Any) -> None:
    """One burst of the engine's at a time, with its address first or beside its first beat."""
    m = bench.m
    place, outside = bench.register(2, "write_place"), bench.register(1, "write_outside")
    opened, owed = bench.register(1, "opened"), bench.register(1, "owed")
    here, beyond = Signal(2), Signal()
    m.d.comb += [
        here.eq(Mux(bus.awvalid, bus.awaddr[3:5], place)),
        beyond.eq(Mux(bus.awvalid, bus.awaddr[5], outside)),
    ]
    m.d.sync += [place.eq(here + bus.wvalid), outside.eq(beyond)]
    m.d.sync += opened.eq((opened | bus.awvalid) & ~(bus.wvalid & bus.wlast))
    m.d.sync += owed.eq((owed | (bus.wvalid & bus.wlast)) & ~(bus.bvalid & bus.bready))
    bench.given(~bus.awvalid | (~opened & ~owed), ~bus.wvalid | opened | bus.awvalid)
    taken = host.awvalid & host.awready
    answer = bench.register(1, "host_owed")
    m.d.sync += answer.eq((answer | taken) & ~(host.bvalid & host.bready))
    with m.If(bus.wvalid & ~beyond):
        m.d.sync += memory[here].eq(_merged(memory[here], bus.wdata, bus.wstrb))
    with m.Elif(taken):
        strobe = Mux(host.awaddr[2], host.wstrb << 4, host.wstrb)
        data, line = host.wdata.replicate(2), host.awaddr[3:5]
        m.d.sync += memory[line].eq(_merged(memory[line], data, strobe))
    bench.waits(bus.bvalid, bus.bready, bus.bresp, "response")
    bench.waits(host.bvalid, host.bready, Const(0), "host_response")
    failed = bench.register(1, "failed")
    with m.If(bus.wvalid & bus.wlast):
        m.d.sync += failed.eq(beyond)
    bench.claim(
        ~bus.bvalid | owed,
        ~bus.bvalid | (bus.bresp == Mux(failed, _DECODE_ERROR, 0)),
        host.bvalid == answer,
        host.awready == host.wready,
        # The host's write happens at once, unless the engine writes or a response waits.
        taken == (host.awvalid & host.wvalid & ~bus.wvalid & ~answer),
    )
    waited = bench.register(2, "response_waited")
    m.d.sync += waited.eq(Mux(owed & ~bus.bvalid, waited + 1, 0))
    bench.claim(waited < 3)


def _merged(word: Value, data: Value, strobe: Value) -> Value:
    """`word` with the bytes of `data` that `strobe` names."""
    size = len(word) // 8
    parts = (slice(8 * k, 8 * k + 8) for k in range(size))
    return Cat(Mux(strobe[k], data[p], word[p]) for k, p in enumerate(parts))


def _host_reads(bench: Bench, host: Any, memory: Any, *, idle: Value) -> None:
    """The host gets the word as it stood when its read was taken: at once if the engine is idle."""
    m = bench.m
    taken, due = host.arvalid & host.arready, bench.register(1, "host_due")
    expected = bench.register(32, "expected")
    with m.If(taken):
        m.d.sync += expected.eq(memory[host.araddr[3:5]].word_select(host.araddr[2], 32))
    m.d.sync += due.eq((due | taken) & ~(host.rvalid & host.rready))
    bench.waits(host.rvalid, host.rready, host.rdata, "host_value")
    late = bench.previous(due, "late")
    bench.claim(
        ~host.rvalid | (due & (host.rdata == expected)),
        ~due | host.rvalid | ~late,
        ~taken | ~due,
        ~(host.arvalid & idle & ~due) | taken,
    )


CLAIMS = (
    Claim(
        name="block memory",
        says="every beat asked for comes once, in order, with the word; writes land, once",
        module="hw.board.block_memory",
        harness=_block_memory,
        broken=(
            ("with m.Elif(new.valid):", "with m.Elif(new.valid & ~beat):"),
            ("upcoming_head.left.eq(head.left - 1)", "upcoming_head.left.eq(head.left)"),
            ("bus.arready.eq(~following.valid)", "bus.arready.eq(1)"),
            ("host.arready.eq(~busy & ~host.rvalid & ~fresh)", "host.arready.eq(~host.rvalid)"),
            ("taken | (host.bvalid & ~host.bready)", "taken"),
        ),
        depth=None,
    ),
)
