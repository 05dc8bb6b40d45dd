"""The bundle: the same bytes every time, and each file accepted by the tool it is for."""

import json
import re
import shutil
import subprocess
import types

import pytest

from cocotb_tests.tools import simulator_environment
from hw import register_map
from hw.bundle.integration import litex_module
from hw.bundle.write import write_bundle
from hw.generate import TOP
from sparsespike.contract.config import load_engine
from sparsespike.contract.counters import COUNTERS

ENGINE = load_engine("micro", lanes=2, chunk=4, spike_depth=64, count_depth=16, head_slots=8)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    paths = write_bundle(ENGINE, folder)
    assert sorted(path for path in folder.rglob("*") if path.is_file()) == sorted(paths)
    return folder


def ports(bundle):
    return json.loads((bundle / "engine.json").read_text())["ports"]


def test_same_bytes_again(bundle, tmp_path):
    for path in write_bundle(ENGINE, tmp_path):
        assert path.read_bytes() == (bundle / path.relative_to(tmp_path)).read_bytes()
        assert str(bundle) not in path.read_text()


def test_system_rdl_says_what_the_register_map_says(bundle):
    systemrdl = pytest.importorskip("systemrdl")
    compiler = systemrdl.RDLCompiler()
    compiler.compile_file(str(bundle / "registers" / "registers.rdl"))
    top = compiler.elaborate().top
    found = {node.inst_name: node for node in top.registers(unroll=False)}
    fixed = register_map.constants(ENGINE)
    for entry in register_map.REGISTERS:
        node = found.pop(entry.name)
        assert node.absolute_address == entry.address
        fields = {field.inst_name: (field.low, field.width) for field in node.fields()}
        wanted = {field.name: (field.low, field.bits) for field in entry.fields}
        assert fields == (wanted or {"value": (0, 32)})
        if entry.access != "wo":
            low = {field.low: field.get_property("reset") for field in node.fields()}
            value = sum(reset << at for at, reset in low.items())
            assert value == fixed.get(entry.name, entry.reset)
    assert not found
    (layer,) = [node for node in top.children(unroll=False) if node.inst_name == "LAYER"]
    assert layer.array_dimensions == [ENGINE.max_layers]
    assert layer.array_stride == register_map.COUNTER_STRIDE
    addresses = {node.inst_name: node.address_offset for node in layer.registers()}
    assert addresses == {name: 4 * index for index, name in enumerate(COUNTERS)}


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler (cc)")
def test_c_header_has_the_addresses(bundle, tmp_path):
    checks = [
        f'_Static_assert(SPARSESPIKE_{entry.name} == {entry.address}, "{entry.name}");'
        for entry in register_map.REGISTERS
    ]
    address = register_map.counter_address(2, COUNTERS[5])
    checks.append(
        f"_Static_assert(SPARSESPIKE_COUNTER(2, SPARSESPIKE_COUNTER_{COUNTERS[5].upper()}) "
        f'== {address}, "counter");'
    )
    checks.append('_Static_assert(SPARSESPIKE_STATUS_LAYER_MASK == 0xFFFF0000u, "mask");')
    source = tmp_path / "check.c"
    source.write_text(f'#include "{TOP}.h"\n' + "\n".join(checks) + "\nint main(void){return 0;}\n")
    folder = bundle / "registers"
    command = ["cc", "-std=c11", "-Wall", "-Werror", "-fsyntax-only", f"-I{folder}", str(source)]
    subprocess.run(command, check=True)


def test_slang_accepts_the_rtl_and_knows_every_signal(bundle):
    pytest.importorskip("pyslang")
    from pyslang.ast import Compilation
    from pyslang.syntax import SyntaxTree

    compilation = Compilation()
    compilation.addSyntaxTree(SyntaxTree.fromFile(str(bundle / "rtl" / f"{TOP}.v")))
    root = compilation.getRoot()
    assert [top.name for top in root.topInstances] == [TOP]
    assert not [entry for entry in compilation.getAllDiagnostics() if entry.isError()]
    paths = json.loads((bundle / "signals.json").read_text())
    assert len(paths) > 500
    for name in ("m_axi.arvalid", "trace.row.data", "core.front.reader.bus.arvalid"):
        assert name in paths
    found = set(walked(root.topInstances[0], TOP))
    assert not sorted(set(paths.values()) - found)


def walked(instance, path):
    """Paths of all names in a design."""
    for member in instance.body:
        yield f"{path}.{member.name}"
        if type(member).__name__ == "InstanceSymbol":
            yield from walked(member, f"{path}.{member.name}")


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs Icarus Verilog (iverilog)")
def test_icarus_accepts_the_rtl(bundle, tmp_path):
    rtl = bundle / "rtl" / f"{TOP}.v"
    command = ["iverilog", "-g2005", "-Wall", "-Wno-timescale", "-o", tmp_path / "out", rtl]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr


def test_verilator_lint_accepts_the_rtl(bundle):
    environment = simulator_environment()
    if shutil.which("verilator", path=environment.get("PATH")) is None:
        pytest.skip("needs Verilator")
    command = ["verilator", "--lint-only", "-Wno-fatal", "--top-module", TOP]
    done = subprocess.run(
        [*command, bundle / "rtl" / f"{TOP}.v"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "%Error" not in done.stderr


def test_litex_module_connects_every_port_but_the_trace(bundle):
    text = (bundle / "litex" / "sparsespike_litex.py").read_text()
    compile(text, "sparsespike_litex.py", "exec")
    connected = re.findall(r"^            ([io])_(\w+)=", text, re.M)
    directions = {"i": "input", "o": "output"}
    found = {name: directions[way] for way, name in connected}
    assert len(found) == len(connected)
    wanted = {port["name"]: port["direction"] for port in ports(bundle)}
    assert found == {n: way for n, way in wanted.items() if not n.startswith("trace_")}


def test_litex_module_builds_with_stand_ins(monkeypatch):
    """LiteX itself is no dependency: its interfaces' signals, by name, are what is needed."""
    made = []
    channels = {
        "aw": "id addr len size burst lock cache prot valid ready",
        "w": "data strb last valid ready",
    }
    channels |= {
        "b": "id resp valid ready",
        "ar": channels["aw"],
        "r": "id data resp last valid ready",
    }
    interface = types.SimpleNamespace(
        **{
            name: types.SimpleNamespace(
                **{signal: f"{name}.{signal}" for signal in signals.split()}
            )
            for name, signals in channels.items()
        }
    )
    stand_ins = {
        "migen": {
            "ClockSignal": str,
            "ResetSignal": str,
            "Signal": object,
            "Instance": lambda *a, **k: made.append((a, k)) or [],
            "Module": type("Module", (), {"specials": []}),
        },
        "litex.soc.interconnect.axi": {
            "AXIInterface": lambda **k: interface,
            "AXILiteInterface": lambda **k: interface,
        },
    }
    for name, members in stand_ins.items():
        monkeypatch.setitem(__import__("sys").modules, name, types.SimpleNamespace(**members))
    scope = {"__file__": "/bundle/litex/sparsespike_litex.py"}
    exec(litex_module(ENGINE), scope)
    sources = []
    scope["SparsespikeEngine"](types.SimpleNamespace(add_source=sources.append))
    assert made[0][0] == (TOP,)
    assert made[0][1]["i_m_axi_rdata"] == "r.data"
    assert sources == [f"/bundle/rtl/{TOP}.v"]


def test_vivado_finds_axi_by_the_names_of_the_ports(bundle):
    """Vivado infers an interface from ports PREFIX_SIGNAL with the names of the specification."""
    names = {port["name"] for port in ports(bundle)}
    full = (
        "awid awaddr awlen awsize awburst awlock awcache awprot awvalid awready wdata wstrb wlast"
    )
    full += " wvalid wready bid bresp bvalid bready arid araddr arlen arsize arburst arlock arcache"
    full += " arprot arvalid arready rid rdata rresp rlast rvalid rready"
    assert {name for name in names if name.startswith("m_axi_")} == {
        f"m_axi_{n}" for n in full.split()
    }
    script = (bundle / "vivado" / "package_ip.tcl").read_text()
    assert "foreach bus {m_axi s_axil}" in script
    assert script.count("{") == script.count("}")
    constraint = (bundle / "vivado" / "out_of_context.xdc").read_text()
    assert f"-period {1000 / ENGINE.clock_mhz:.3f}" in constraint


def test_waves_show_signals_that_exist(bundle):
    paths = {
        f"tb.engine.{p.split('.', 1)[1]}"
        for p in json.loads((bundle / "signals.json").read_text()).values()
    }
    shown = re.findall(r"^variable_add (\S+)$", (bundle / "waves" / "frame.sucl").read_text(), re.M)
    assert len(shown) > 10
    assert set(shown) <= paths
    gtkw = (bundle / "waves" / "frame.gtkw").read_text()
    assert all(name in gtkw for name in shown)
