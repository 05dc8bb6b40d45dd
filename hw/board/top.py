"""Board top: pins, clock and reset around the engine, its UART bridge and its memory."""

from __future__ import annotations

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Module, Mux, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out, connect

from hw.board.block_memory import BlockMemory
from hw.board.uart import UartReceiver, UartTransmitter
from hw.board.uart_bridge import UartBridge
from hw.engine import Engine
from sparsespike.contract.config import EngineConfig

REGISTERS_BASE = 1 << 31
"""Host address of the registers; below it lies the memory, at the addresses the engine uses."""
LEDS = 8
_RESET_CYCLES = 16
_BEAT_BITS = 25
_CHANNELS = {
    "aw": ("addr", "prot"),
    "w": ("data", "strb"),
    "ar": ("addr", "prot"),
}
_ANSWERS = {"b": ("resp",), "r": ("data", "resp")}


class BoardTop(wiring.Component):
    """The engine with all that it needs on a board that has a clock, a UART and a few LEDs.

    divisor: clock cycles of a bit of the UART; memory_bytes: of the block memory; timeout: cycles
    after which the UART forgets half a request. The memory keeps to the engine's memory_latency
    (at least 2) and memory_interval.

    Members:
        clock: the board's oscillator, the one clock of everything.
        button: resets everything while high; needs no synchronisation.
        receive, transmit: the UART, from and to the host.
        leds: 0 blinks slowly, 1 host sends, 2 host receives, 3 the engine's interrupt.
    """

    def __init__(
        self, engine: EngineConfig, *, divisor: int, memory_bytes: int, timeout: int
    ) -> None:
        self.engine, self.divisor = engine, divisor
        self.memory_bytes, self.timeout = memory_bytes, timeout
        super().__init__(
            {
                "clock": In(1),
                "button": In(1),
                "receive": In(1),
                "transmit": Out(1),
                "leds": Out(LEDS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.engine
        m.submodules.engine = engine = Engine(config)
        m.submodules.memory = memory = BlockMemory(
            data_bits=config.axi_data_bits,
            size=self.memory_bytes,
            latency=config.memory_latency,
            interval=config.memory_interval,
        )
        m.submodules.bridge = bridge = UartBridge(timeout=self.timeout)
        m.submodules.receiver = receiver = UartReceiver(divisor=self.divisor)
        m.submodules.transmitter = transmitter = UartTransmitter(divisor=self.divisor)
        m.submodules.wire = FFSynchronizer(self.receive, receiver.wire, init=1)
        connect(m, receiver.o, bridge.i)
        connect(m, bridge.o, transmitter.i)
        connect(m, engine.m_axi, memory.bus)
        self._clock(m)
        _split(m, bridge.bus, memory.host, engine.s_axil)
        beat = Signal(_BEAT_BITS)
        m.d.sync += beat.eq(beat + 1)
        m.d.comb += [
            self.transmit.eq(transmitter.wire),
            self.leds.eq(Cat(beat[-1], ~receiver.wire, ~transmitter.wire, engine.irq)),
        ]
        return m

    def _clock(self, m: Module) -> None:
        """Reset at power-up and while the button is pressed."""
        m.domains.sync = ClockDomain()
        m.domains.pin = ClockDomain(reset_less=True)
        pressed = Signal()
        left = Signal(range(_RESET_CYCLES + 1), init=_RESET_CYCLES)
        m.submodules.button = FFSynchronizer(self.button, pressed, o_domain="pin")
        m.d.pin += left.eq(Mux(pressed, _RESET_CYCLES, Mux(left == 0, 0, left - 1)))
        m.d.comb += [
            ClockSignal("sync").eq(self.clock),
            ClockSignal("pin").eq(self.clock),
            ResetSignal("sync").eq(left != 0),
        ]


def _split(
    m: Module,
    manager: wiring.PureInterface,
    memory: wiring.PureInterface,
    registers: wiring.PureInterface,
) -> None:
    """One manager, which waits for every response, to memory or registers by its address."""
    for channel in ("aw", "w", "ar", "b", "r"):
        address = manager.araddr if channel in ("ar", "r") else manager.awaddr
        chosen = address >= REGISTERS_BASE
        for name in _CHANNELS.get(channel, ()):
            for port in (memory, registers):
                source = getattr(manager, channel + name)
                m.d.comb += getattr(port, channel + name).eq(source)
        for name in _ANSWERS.get(channel, ()):
            here, there = (getattr(port, channel + name) for port in (registers, memory))
            m.d.comb += getattr(manager, channel + name).eq(Mux(chosen, here, there))
        forward = "valid" if channel in _CHANNELS else "ready"
        back = "ready" if channel in _CHANNELS else "valid"
        sent = getattr(manager, channel + forward)
        m.d.comb += [
            getattr(registers, channel + forward).eq(sent & chosen),
            getattr(memory, channel + forward).eq(sent & ~chosen),
            getattr(manager, channel + back).eq(
                Mux(chosen, getattr(registers, channel + back), getattr(memory, channel + back))
            ),
        ]
