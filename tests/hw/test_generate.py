"""The Verilog export: files, ports, reproducibility."""

import json
import re

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
