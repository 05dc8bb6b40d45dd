"""The Verilog export: files, ports, reproducibility."""

import json
import re
import shutil
import subprocess

import pytest

from hw.generate import TOP, write_verilog
from sparsespike.contract.config import load_engine

ENGINE = load_engine("micro", lanes=2, chunk=4, spike_depth=64, count_depth=16, head_slots=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("verilog")
    paths = write_verilog(ENGINE, folder)
    assert sorted(folder.iterdir()) == sorted(paths)
    return folder


def ports_of(verilog):
    header = re.search(rf"^module {TOP}\s*\((.*?)\);", verilog, re.S | re.M)
    return {name.strip() for name in header[1].split(",")}


def test_ports_have_conventional_names(folder):
    verilog = (folder / f"{TOP}.v").read_text()
    listed = json.loads((folder / "engine.json").read_text())["ports"]
    assert ports_of(verilog) == {port["name"] for port in listed}
    names = {port["name"]: port for port in listed}
    for name in ("clk", "rst", "irq", "s_axil_awaddr", "m_axi_rdata", "trace_row_data"):
        assert name in names
    assert names["m_axi_rdata"] == {"name": "m_axi_rdata", "direction": "input", "bits": 64}
    assert names["m_axi_araddr"]["direction"] == "output"
    assert names["s_axil_rdata"] == {"name": "s_axil_rdata", "direction": "output", "bits": 32}


def test_description_names_the_engine(folder):
    content = json.loads((folder / "engine.json").read_text())
    assert content["hash"] == ENGINE.hash
    assert content["config"] == ENGINE.model_dump()
    verilog = (folder / f"{TOP}.v").read_text()
    assert ENGINE.hash in verilog.splitlines()[0]
    assert "no licence of sparsespike extends to it" in verilog.splitlines()[1]
    assert (folder / "files.f").read_text().split() == [f"{TOP}.v"]


def test_no_path_of_this_machine(folder):
    for path in folder.iterdir():
        assert str(folder.parent) not in path.read_text()
        assert "/hw/" not in path.read_text()


def test_same_bytes_again(folder, tmp_path):
    for path in write_verilog(ENGINE, tmp_path / "again"):
        assert path.read_bytes() == (folder / path.name).read_bytes()


def test_every_combinational_block_runs_at_the_start(folder):
    """Yosys leaves the trigger out of blocks that assign a part of a variable: write none."""
    verilog = (folder / f"{TOP}.v").read_text()
    assert verilog.count("always @*") == len(
        re.findall(r"always @\* begin\n    if \(\\\$auto", verilog)
    )


@pytest.mark.parametrize("standard", ["2005", "2012"])
@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs Icarus Verilog (iverilog)")
def test_outputs_are_known_after_reset(folder, tmp_path, standard):
    """In both languages: no X on an output that a host or a memory looks at."""
    ports = json.loads((folder / "engine.json").read_text())["ports"]
    widths = {p["name"]: p["bits"] for p in ports if p["direction"] == "output"}
    names = [name for name in widths if name not in ("s_axil_rdata", "trace_score_value")]
    bench = tmp_path / "bench.v"
    bench.write_text(
        "module bench; reg clk = 0; reg rst = 1;\n"
        + "".join(f"wire [{widths[name] - 1}:0] {name};\n" for name in names)
        + f"{TOP} dut(.clk(clk), .rst(rst), .s_axil_awvalid(1'b0), .s_axil_wvalid(1'b0),\n"
        + ".s_axil_arvalid(1'b0), .s_axil_bready(1'b0), .s_axil_rready(1'b0),\n"
        + ".m_axi_rvalid(1'b0), .m_axi_bvalid(1'b0), .m_axi_arready(1'b0),\n"
        + ".m_axi_awready(1'b0), .m_axi_wready(1'b0),\n"
        + ", ".join(f".{name}({name})" for name in names)
        + ");\n always #5 clk = !clk;\n initial begin #50 rst = 0; #200\n"
        + "".join(f'if (^{name} === 1\'bx) $display("{name} %b", {name});\n' for name in names)
        + "$finish; end endmodule\n"
    )
    binary = tmp_path / "bench.vvp"
    command = ["iverilog", f"-g{standard}", "-o", binary, bench, folder / f"{TOP}.v"]
    subprocess.run(command, check=True)
    result = subprocess.run(["vvp", "-n", binary], check=True, capture_output=True, text=True)
    unknown = [line for line in result.stdout.splitlines() if "$finish" not in line]
    assert unknown == []
