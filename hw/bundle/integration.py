"""Files that take the engine into other flows: FuseSoC, Vivado, LiteX."""

from __future__ import annotations

from hw import axi, register_map
from hw.generate import TOP
from sparsespike.contract.config import EngineConfig

_VERSION = "0.1.0"
_LITE_BITS = register_map.ADDRESS_BITS
_AXI_CHANNELS = {
    "aw": ("id", "addr", "len", "size", "burst", "lock", "cache", "prot"),
    "ar": ("id", "addr", "len", "size", "burst", "lock", "cache", "prot"),
}


def fusesoc_core() -> str:
    """A FuseSoC core description (CAPI=2): the RTL, its lint, its synthesis by Yosys."""
    return f"""CAPI=2:
name: user:sparsespike:{TOP}:{_VERSION}
description: Sparse spike processing engine with AXI4 manager and AXI4-Lite registers

filesets:
  rtl:
    files:
      - rtl/{TOP}.v
    file_type: verilogSource
  constraints:
    files:
      - vivado/out_of_context.xdc
    file_type: xdc

targets:
  default: &default
    filesets: [rtl]
    toplevel: {TOP}
  lint:
    <<: *default
    default_tool: verilator
    tools:
      verilator:
        mode: lint-only
        verilator_options: [-Wno-fatal]
  vivado:
    <<: *default
    filesets: [rtl, constraints]
    default_tool: vivado
"""


def out_of_context_constraint(engine: EngineConfig) -> str:
    """Clock of the engine's configuration, for synthesis without a board."""
    period = 1000.0 / engine.clock_mhz
    return (
        "# Used out of context only: the design around the engine makes its clock.\n"
        f"create_clock -name clk -period {period:.3f} [get_ports clk]\n"
    )


def vivado_script(engine: EngineConfig) -> str:
    """Tcl for `vivado -mode batch -source package_ip.tcl [-tclargs PART]`: writes ip/."""
    return f"""# Packages the engine for Vivado's IP catalogue, in ip/ beside this script.
#   vivado -mode batch -source package_ip.tcl -tclargs PART
# Vivado infers the interfaces m_axi (AXI4) and s_axil (AXI4-Lite) from the names of the ports.
set here [file dirname [file normalize [info script]]]
set part [expr {{$argc > 0 ? [lindex $argv 0] : "xc7k325tffg900-2"}}]
create_project -in_memory -part $part
add_files -norecurse [file join $here .. rtl {TOP}.v]
set constraint [add_files -fileset constrs_1 -norecurse [file join $here out_of_context.xdc]]
set_property USED_IN {{synthesis out_of_context}} $constraint
set_property top {TOP} [current_fileset]
update_compile_order -fileset sources_1
ipx::package_project -root_dir [file join $here ip] -vendor user.org -library user \\
  -taxonomy /UserIP -import_files -set_current true
set core [ipx::current_core]
set_property name {TOP} $core
set_property version {_VERSION[:3]} $core
set_property display_name "Sparse spike processing engine" $core
ipx::infer_bus_interface clk xilinx.com:signal:clock_rtl:1.0 $core
ipx::infer_bus_interface rst xilinx.com:signal:reset_rtl:1.0 $core
ipx::infer_bus_interface irq xilinx.com:signal:interrupt_rtl:1.0 $core
foreach bus {{m_axi s_axil}} {{
  if {{[ipx::get_bus_interfaces $bus -of_objects $core] eq ""}} {{
    error "Vivado did not infer $bus"
  }}
  ipx::associate_bus_interfaces -busif $bus -clock clk $core
}}
ipx::associate_bus_interfaces -clock clk -reset rst $core
set reset [ipx::get_bus_interfaces rst -of_objects $core]
set_property value ACTIVE_HIGH [ipx::add_bus_parameter POLARITY $reset]
set map [ipx::get_memory_maps s_axil -of_objects $core]
if {{$map ne ""}} {{
  set_property range {1 << register_map.ADDRESS_BITS} [ipx::get_address_blocks -of_objects $map]
}}
ipx::update_checksums $core
ipx::check_integrity $core
ipx::save_core $core
puts "packaged {TOP} ({engine.axi_data_bits}-bit AXI4 manager) in [file join $here ip]"
"""


def litex_module(engine: EngineConfig) -> str:
    """A LiteX module: registers on an AXI4-Lite bus, memory through an AXI4 manager."""
    connections = []
    for channel, names in _AXI_CHANNELS.items():
        connections += [f"o_m_axi_{channel}{n}=axi.{channel}.{n}" for n in names]
        connections += [f"o_m_axi_{channel}valid=axi.{channel}.valid"]
        connections += [f"i_m_axi_{channel}ready=axi.{channel}.ready"]
    for direction, signals in (("o", ("data", "strb", "last", "valid")), ("i", ("ready",))):
        connections += [f"{direction}_m_axi_w{n}=axi.w.{n}" for n in signals]
    for channel, answers in (
        ("b", ("id", "resp", "valid")),
        ("r", ("id", "data", "resp", "last", "valid")),
    ):
        connections += [f"i_m_axi_{channel}{n}=axi.{channel}.{n}" for n in answers]
        connections += [f"o_m_axi_{channel}ready=axi.{channel}.ready"]
    lite = {"aw": ("addr", "valid"), "w": ("data", "strb", "valid"), "ar": ("addr", "valid")}
    for channel, names in lite.items():
        connections += [f"i_s_axil_{channel}{n}=bus.{channel}.{n}" for n in names]
        connections += [f"o_s_axil_{channel}ready=bus.{channel}.ready"]
    connections += ["i_s_axil_awprot=0", "i_s_axil_arprot=0"]
    for channel, answers in (("b", ("resp", "valid")), ("r", ("data", "resp", "valid"))):
        connections += [f"o_s_axil_{channel}{n}=bus.{channel}.{n}" for n in answers]
        connections += [f"i_s_axil_{channel}ready=bus.{channel}.ready"]
    ports = "\n".join(f"            {connection}," for connection in connections)
    size = hex(1 << register_map.ADDRESS_BITS)
    return f'''"""The engine as a LiteX module.

    soc.submodules.sparsespike = engine = SparsespikeEngine(platform)
    region = SoCRegion(size={size}, cached=False)
    soc.bus.add_slave("sparsespike", engine.bus, region=region)
    soc.dma_bus.add_master("sparsespike", master=engine.axi)
"""

from pathlib import Path

from litex.soc.interconnect.axi import AXIInterface, AXILiteInterface
from migen import ClockSignal, Instance, Module, ResetSignal, Signal


class SparsespikeEngine(Module):
    """Registers at `bus` ({size} bytes), memory at `axi`, interrupt at `irq`."""

    def __init__(self, platform):
        self.bus = bus = AXILiteInterface(data_width=32, address_width={_LITE_BITS})
        self.axi = axi = AXIInterface(
            data_width={engine.axi_data_bits},
            address_width={axi.ADDRESS_BITS},
            id_width={axi.ID_BITS},
        )
        self.irq = Signal()
        self.specials += Instance(
            "{TOP}",
            i_clk=ClockSignal("sys"),
            i_rst=ResetSignal("sys"),
            o_irq=self.irq,
{ports}
        )
        platform.add_source(str(Path(__file__).parent.parent / "rtl" / "{TOP}.v"))
'''
