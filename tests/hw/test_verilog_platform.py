"""Verilog of clusters: one text for all of a kind, the same every time, accepted by Icarus."""

import re
import shutil
import subprocess

import pytest
from amaranth.back import verilog
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.cluster import Cluster
from hw.verilog_platform import VerilogPlatform
from sparsespike.contract.config import load_engine


def text_of(component):
    platform = VerilogPlatform(prefix="part")
    options = {"emit_src": False, "strip_internal_attrs": True, "platform": platform}
    text = verilog.convert(component, name="part", **options)
    return text, platform.modules()


class Pair(wiring.Component):
    """Two clusters of an engine."""

    def __init__(self, engine):
        self.engine = engine
        super().__init__({"go": In(1), "busy": Out(2)})

    def elaborate(self, platform):
        m = Module()
        for index in range(2):
            cluster = Cluster(self.engine, index=index)
            m.submodules[f"cluster_{index}"] = cluster
            m.d.comb += [cluster.go.eq(self.go), self.busy[index].eq(cluster.busy)]
        return m


class Table(wiring.Component):
    """A memory that starts with something."""

    def __init__(self, init):
        self.init = init
        super().__init__({"address": In(2), "data": Out(8), "write": In(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(shape=8, depth=4, init=self.init)
        write, read = memory.write_port(), memory.read_port()
        m.d.comb += [read.addr.eq(self.address), write.en.eq(self.write), self.data.eq(read.data)]
        return m


def small_engine(**fields):
    return load_engine("micro", lanes=2, time_steps=2, head_slots=8, max_tokens=8, **fields)


def test_clusters_share_their_text():
    engine = small_engine(clusters=2, attention_units=2)
    text, modules = text_of(Pair(engine))
    assert modules.count("module part_attention_cluster(") == 1
    assert len(re.findall(r"^  part_attention_cluster ", text, re.M)) == 2
    assert (text, modules) == text_of(Pair(engine))


def test_memories_with_contents_keep_them():
    assert "sparsespike_memory" in text_of(Table([]))[0]
    text = text_of(Table([1, 2, 0xA5]))[0]
    assert "sparsespike_memory" not in text
    assert "a5" in text


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")
def test_icarus_accepts_the_text(tmp_path):
    text, modules = text_of(Pair(small_engine(clusters=2, attention_units=1)))
    assert "part_cluster " in text
    assert "part_attention_cluster " in text
    source = tmp_path / "part.v"
    source.write_text(text + modules)
    command = ["iverilog", "-g2005", "-Wall", "-Wno-timescale", "-o", tmp_path / "part", source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
