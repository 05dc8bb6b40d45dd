"""UART bridge: the bytes of a host become reads and writes of 32-bit words."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw import axi

WRITE, READ, WRITE_FIXED, READ_FIXED = 1, 2, 3, 4
"""Commands, as in LiteX's UARTBone (enjoy-digital/litex, litex/tools/remote/comm_uart.py)."""
ADDRESS_BITS = 32


class UartBridge(wiring.Component):
    """Speaks the protocol of LiteX's UARTBone, so that `litex_server --uart` works as well.

    A request is a command byte, a number of words (1 to 255), the address of the first word in
    words (4 bytes, high byte first), and for writes the words (high byte first). Reads answer with
    the words, high byte first; writes answer nothing. Addresses ascend, unless the command is one
    of the FIXED. Bytes that are no command are ignored where one is due; a request that pauses
    for `timeout` cycles is forgotten.

    Members:
        i, o: bytes from and to the host.
        bus: AXI4-Lite manager; address and data of a write are offered together, one transfer at
            a time, its address stable until its response.
    """

    def __init__(self, *, timeout: int) -> None:
        if timeout < 1:
            raise ValueError(f"timeout must be at least 1 cycle, not {timeout}")
        self.timeout = timeout
        super().__init__(
            {
                "i": In(stream.Signature(8)),
                "o": Out(stream.Signature(8)),
                "bus": Out(axi.axi4_lite(address_bits=ADDRESS_BITS)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        command, left, place = Signal(3), Signal(8), Signal(2)
        address, word = Signal(ADDRESS_BITS - 2), Signal(32)
        aw_done, w_done = Signal(), Signal()
        patience = Signal(range(self.timeout + 1))
        listening, got = Signal(), Signal()
        byte = self.i.payload
        is_read = (command == READ) | (command == READ_FIXED)
        fixed = (command == WRITE_FIXED) | (command == READ_FIXED)
        bus = self.bus
        m.d.comb += [
            got.eq(self.i.valid & self.i.ready),
            bus.awaddr[2:].eq(address),
            bus.araddr[2:].eq(address),
            bus.wdata.eq(word),
            bus.wstrb.eq(~0),
            self.o.payload.eq(word[24:]),
        ]
        m.d.sync += patience.eq(patience + 1)
        with m.If(got | ~listening):
            m.d.sync += patience.eq(0)

        def next_word() -> None:
            m.d.sync += [left.eq(left - 1), address.eq(address + ~fixed)]
            with m.If(left == 1):
                m.next = "Command"
            with m.Elif(is_read):
                m.next = "Read"
            with m.Else():
                m.next = "Data"

        def listen() -> None:
            m.d.comb += [listening.eq(1), self.i.ready.eq(1)]
            with m.If(patience == self.timeout):
                m.next = "Command"

        def four_bytes(target: Signal, then: str) -> None:
            listen()
            with m.If(got):
                m.d.sync += [target.eq(Cat(byte, target)), place.eq(place + 1)]
                with m.If(place == 3):
                    m.next = then

        with m.FSM():
            with m.State("Command"):
                m.d.comb += self.i.ready.eq(1)
                m.d.sync += [command.eq(byte), place.eq(0)]
                with m.If(got & (byte >= WRITE) & (byte <= READ_FIXED)):
                    m.next = "Length"
            with m.State("Length"):
                listen()
                m.d.sync += left.eq(byte)
                with m.If(got & (byte == 0)):
                    m.next = "Command"
                with m.Elif(got):
                    m.next = "Address"
            with m.State("Address"):
                four_bytes(address, "Chosen")
            with m.State("Chosen"):
                m.next = "Data"
                with m.If(is_read):
                    m.next = "Read"
            with m.State("Data"):
                four_bytes(word, "Write")
            with m.State("Write"):
                m.d.comb += [bus.awvalid.eq(~aw_done), bus.wvalid.eq(~w_done), bus.bready.eq(1)]
                m.d.sync += [
                    aw_done.eq(aw_done | bus.awready),
                    w_done.eq(w_done | bus.wready),
                ]
                with m.If(bus.bvalid):
                    m.d.sync += [aw_done.eq(0), w_done.eq(0)]
                    next_word()
            with m.State("Read"):
                m.d.comb += bus.arvalid.eq(1)
                with m.If(bus.arready):
                    m.next = "Value"
            with m.State("Value"):
                m.d.comb += bus.rready.eq(1)
                with m.If(bus.rvalid):
                    m.d.sync += word.eq(bus.rdata)
                    m.next = "Send"
            with m.State("Send"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.d.sync += [word.eq(word << 8), place.eq(place + 1)]
                    with m.If(place == 3):
                        next_word()
        return m
