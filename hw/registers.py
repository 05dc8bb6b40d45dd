"""Registers: the AXI4-Lite side of the engine."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw import axi, register_map
from hw.counter_bank import SLOT_BITS
from sparsespike.contract.config import EngineConfig

ADDRESSES = ("program", "input", "output")


def status_layout() -> data.StructLayout:
    """What the engine reports, STATUS fields and frame cycles."""
    return data.StructLayout({"busy": 1, "error": 1, "code": 8, "layer": 16, "cycles": 64})


class Registers(wiring.Component):
    """The registers of hw.register_map, and a window onto the counter memory.

    Timing: address and data of a write are taken together, in one cycle, with the response one
    cycle later; `start` and `clear` stand in that cycle. Read data follow one cycle after the
    address. One transfer each way at a time, one per two cycles while the host is ready.

    Members:
        bus: AXI4-Lite.
        start, clear: commands, one cycle. `start` only while idle and without error.
        program, input, output: byte addresses; watchdog: cycles.
        status: state of the core.
        finished: last cycle of a frame; failed: an error happens. Both one cycle.
        read, read_layer, read_counter, read_value: read port of the counter memory (1 cycle).
        irq: an enabled event has happened.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        bus = axi.axi4_lite(address_bits=register_map.ADDRESS_BITS)
        super().__init__(
            {
                "bus": In(bus),
                "start": Out(1),
                "clear": Out(1),
                **{name: Out(axi.ADDRESS_BITS) for name in ADDRESSES},
                "watchdog": Out(32, init=register_map.WATCHDOG_DEFAULT),
                "status": In(status_layout()),
                "finished": In(1),
                "failed": In(1),
                "read": Out(1),
                "read_layer": Out(range(max(2, engine.max_layers))),
                "read_counter": Out(SLOT_BITS),
                "read_value": In(32),
                "irq": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        done, enables, events = Signal(), Signal(2), Signal(2)
        writing, commanded = Signal(), Signal(2)
        m.d.comb += [
            writing.eq(self.bus.awvalid & self.bus.wvalid & ~self.bus.bvalid),
            self.bus.awready.eq(writing),
            self.bus.wready.eq(writing),
            self.irq.eq((events & enables).any()),
        ]
        m.d.sync += self.bus.bvalid.eq(writing | (self.bus.bvalid & ~self.bus.bready))

        def written(name: str) -> Value:
            place = register_map.register(name).address >> 2
            return writing & (self.bus.awaddr[2:] == place)

        def command() -> None:
            with m.If(written("CTRL") & self.bus.wstrb[0]):
                m.d.comb += commanded.eq(self.bus.wdata[:2])
            idle = ~self.status.busy & ~self.status.error
            m.d.comb += [
                self.clear.eq(commanded[1]),
                self.start.eq(commanded[0] & ~commanded[1] & idle),
            ]
            with m.If(self.start | self.clear):
                m.d.sync += done.eq(0)
            with m.Elif(self.finished):
                m.d.sync += done.eq(1)

        def interrupt() -> None:
            lowest = self.bus.wdata[:2] & self.bus.wstrb[0].replicate(2)
            cleared = Mux(written("IRQ_STATUS"), lowest, 0)
            m.d.sync += events.eq((events & ~cleared) | Cat(self.finished, self.failed))
            with m.If(self.clear):
                m.d.sync += events.eq(0)
            with m.If(written("IRQ_ENABLE") & self.bus.wstrb[0]):
                m.d.sync += enables.eq(self.bus.wdata)

        def configure() -> None:
            words = {"WATCHDOG": self.watchdog}
            for name in ADDRESSES:
                words[f"{name.upper()}_ADDR_LO"] = getattr(self, name)[:32]
                words[f"{name.upper()}_ADDR_HI"] = getattr(self, name)[32:]
            for name, word in words.items():
                with m.If(written(name) & ~self.status.busy):
                    for i in range(4):
                        with m.If(self.bus.wstrb[i]):
                            byte = self.bus.wdata.word_select(i, 8)
                            m.d.sync += word.word_select(i, 8).eq(byte)

        command()
        interrupt()
        configure()
        self._read(m, done=done, enables=enables, events=events)
        return m

    def _read(self, m: Module, *, done: Value, enables: Value, events: Value) -> None:
        address = self.bus.araddr
        reading, from_counters = Signal(), Signal()
        word = Signal(32)
        m.d.comb += [
            reading.eq(self.bus.arvalid & ~self.bus.rvalid),
            self.bus.arready.eq(reading),
            self.bus.rdata.eq(Mux(from_counters, self.read_value, word)),
            self.read.eq(reading),
            self.read_counter.eq(address[2:]),
            self.read_layer.eq((address - register_map.COUNTER_BASE) >> (2 + SLOT_BITS)),
        ]
        m.d.sync += self.bus.rvalid.eq(reading | (self.bus.rvalid & ~self.bus.rready))
        with m.If(reading):
            m.d.sync += [
                from_counters.eq(address >= register_map.COUNTER_BASE),
                word.eq(0),
            ]
            with m.Switch(address[2:]):
                for name, value in self._values(done, enables, events).items():
                    with m.Case(register_map.register(name).address >> 2):
                        m.d.sync += word.eq(value)

    def _values(self, done: Value, enables: Value, events: Value) -> dict[str, Value | int]:
        """What each register reads as; absent: 0."""
        status = Cat(
            self.status.busy,
            done,
            self.status.error,
            Const(0, 5),
            self.status.code,
            self.status.layer,
        )
        values: dict[str, Value | int] = {
            **register_map.constants(self.engine),
            "STATUS": status,
            "IRQ_ENABLE": enables,
            "IRQ_STATUS": events,
            "WATCHDOG": self.watchdog,
            "CYCLES_LO": self.status.cycles[:32],
            "CYCLES_HI": self.status.cycles[32:],
        }
        for name in ADDRESSES:
            values[f"{name.upper()}_ADDR_LO"] = getattr(self, name)[:32]
            values[f"{name.upper()}_ADDR_HI"] = getattr(self, name)[32:]
        return values
