"""Engine: the top component of the sparse spike processing engine."""

from __future__ import annotations

from amaranth.hdl import Module, ResetInserter
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw import axi, register_map
from hw.core import Core
from hw.registers import ADDRESSES, Registers
from hw.soft_reset import SoftReset
from hw.trace import trace_port
from sparsespike.contract.config import EngineConfig


class Engine(wiring.Component):
    """Registers, core and the reset between them. Wiring only.

    Timing: docs/engine.md. Cycle 0 is the cycle of the AXI4-Lite write that sets CTRL.start;
    `irq` rises in the cycle after the last layer, if enabled.

    Members:
        s_axil: the host's side, 32-bit AXI4-Lite.
        m_axi: the memory's side, AXI4 manager.
        irq: interrupt line, high while an enabled event is pending.
        trace: what the engine stores, for observers; may stay open.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        super().__init__(
            {
                "s_axil": In(axi.axi4_lite(address_bits=register_map.ADDRESS_BITS)),
                "m_axi": Out(axi.axi4(data_bits=engine.axi_data_bits)),
                "irq": Out(1),
                "trace": Out(trace_port(engine)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        core = Core(self.engine)
        m.submodules.registers = registers = Registers(self.engine)
        m.submodules.soft_reset = soft_reset = SoftReset()
        m.submodules.core = ResetInserter(soft_reset.reset)(core)
        connect(m, flipped(self.s_axil), registers.bus)
        connect(m, flipped(self.m_axi), core.bus)
        connect(m, flipped(self.trace), core.trace)
        for name in ADDRESSES:
            m.d.comb += getattr(core, name).eq(getattr(registers, name))
        m.d.comb += [
            core.start.eq(registers.start),
            core.watchdog.eq(registers.watchdog),
            core.halt.eq(soft_reset.halt),
            core.read.eq(registers.read),
            core.read_layer.eq(registers.read_layer),
            core.read_counter.eq(registers.read_counter),
            registers.read_value.eq(core.read_value),
            registers.status.eq(core.status),
            registers.status.busy.eq(core.status.busy | soft_reset.busy),
            registers.finished.eq(core.finished),
            registers.failed.eq(core.failed),
            soft_reset.clear.eq(registers.clear),
            soft_reset.quiet.eq(core.quiet),
            self.irq.eq(registers.irq),
        ]
        return m
