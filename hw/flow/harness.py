# amaranth: UnusedElaboratable=no
"""A top with few pins around the engine, so that a package has enough of them to place it."""

from __future__ import annotations

import json

from hw.engine import Engine
from hw.generate import TOP, engine_description
from sparsespike.contract.config import EngineConfig

HARNESS = "serial_harness"
_LEFT_OPEN = "trace_"
"""Outputs for observers in simulation: a board leaves them open, and so does the harness."""


def harness_verilog(engine: EngineConfig) -> str:
    """Verilog of the harness: a register on every pin of the engine, all of them in two chains.

    Inputs come from a shift register, outputs go to registers that `load` fills and that shift
    out otherwise: paths begin and end in registers, as within a larger design.
    """
    ports = json.loads(engine_description(engine, Engine(engine)))["ports"]
    inputs = [p for p in ports if p["direction"] == "input" and p["name"] not in ("clk", "rst")]
    outputs = [p for p in ports if p["direction"] == "output" if not _open(p["name"])]
    return serial_harness(
        TOP,
        inputs=[(port["name"], port["bits"]) for port in inputs],
        outputs=[(port["name"], port["bits"]) for port in outputs],
    )


def serial_harness(
    top: str, *, inputs: list[tuple[str, int]], outputs: list[tuple[str, int]]
) -> str:
    """The harness around any module with `clk`, `rst` and these (name, bits) ports."""
    shifted_in, shifted_out = sum(bits for _, bits in inputs), sum(bits for _, bits in outputs)
    connections, low = [], 0
    for name, bits in inputs:
        connections.append(f".{name}(driven[{low + bits - 1}:{low}])")
        low += bits
    low = 0
    for name, bits in outputs:
        connections.append(f".{name}(seen[{low + bits - 1}:{low}])")
        low += bits
    wires = ",\n    ".join(connections)
    return f"""module {HARNESS} (
  input clk, input rst, input serial_in, input load, output serial_out
);
  reg [{shifted_in - 1}:0] driven;
  reg [{shifted_out - 1}:0] kept;
  wire [{shifted_out - 1}:0] seen;
  reg reset;
  assign serial_out = kept[{shifted_out - 1}];
  always @(posedge clk) begin
    reset <= rst;
    driven <= {{driven, serial_in}};
    kept <= load ? seen : {{kept, driven[{shifted_in - 1}]}};
  end
  {top} engine (
    .clk(clk), .rst(reset),
    {wires}
  );
endmodule
"""


def _open(name: str) -> bool:
    return name.startswith(_LEFT_OPEN)
