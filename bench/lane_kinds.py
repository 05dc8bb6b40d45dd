"""LUTs of a lane of each kind against the cycles it takes, as a table of docs/fpga.md.

`python -m bench.lane_kinds` synthesises each lane with its queue and its tile memories, simulates
4-384 (random ticket) on 24 x 8 of them, and prints the table; `--write-docs` puts it into
docs/fpga.md. What is finished stays in build/, so that a run stopped with Ctrl-C goes on.
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path

from amaranth.back import verilog

from bench.blocks import write_block
from bench.performance_points import Point, measured
from bench.performance_tables import DENSE, shape
from hw.flow.counting import Count
from hw.flow.modules import distinct_modules, tree_counts
from hw.flow.synthesis import DEFAULT_CACHE, module_counts
from hw.flow.targets import find_target
from hw.generate import triggered_at_start
from hw.lane_unit import LaneUnit
from hw.verilog_platform import VerilogPlatform
from reports.accuracy.markdown import table
from sparsespike.contract.config import EngineConfig, load_engine

DOCUMENT = Path(__file__).parent.parent / "docs" / "fpga.md"
BLOCK = "lane kinds"
TARGET = "xc7"
_COMMAND = "`python -m bench.lane_kinds --write-docs`"
_HEAD = ("kind", "channels", "chunk", "LUT", "FF", "block RAM", "cycles", "cycles x LUT")
_TOP = "lane_unit"


def main(arguments: list[str] | None = None) -> int:
    """Synthesises, simulates and prints; 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write-docs", action="store_true", help=f"put the table into {DOCUMENT}")
    options = parser.parse_args(arguments)
    found = []
    for chunk, channels, kind in product((16, 32), (1, 2), ("matching", "serial")):
        print(f"{kind}, {channels}, {chunk}", flush=True)
        fields = shape(24, 8, chunk, lane_channels=channels, lane_kind=kind)
        cost = lane_cost(load_engine("large", **fields))
        found.append(
            ((kind, str(channels), str(chunk)), cost, measured(Point(DENSE, fields)).cycles)
        )
    # The first row is the measure of the products.
    unit = found[0][1].lut * found[0][2]
    rows = [
        (
            *words,
            f"{cost.lut:,.0f}",
            f"{cost.ff:,.0f}",
            f"{cost.bram:g}",
            f"{cycles:,.0f}",
            f"{cost.lut * cycles / unit:.2f}",
        )
        for words, cost, cycles in found
    ]
    text = "\n".join(table(_HEAD, rows, _COMMAND, words=(0, 1, 2)))
    print(text)
    if options.write_docs:
        write_block(DOCUMENT, BLOCK, text)
    return 0


def lane_cost(engine: EngineConfig) -> Count:
    """Resources of one lane of `engine` with its queue and its tile memories, on `TARGET`."""
    platform = VerilogPlatform(prefix=_TOP)
    lane = LaneUnit(engine, lane=0)
    text = verilog.convert(
        lane, name=_TOP, platform=platform, emit_src=False, strip_internal_attrs=True
    )
    modules = distinct_modules(triggered_at_start(text + platform.modules()), _TOP)
    counts = module_counts(modules, find_target(TARGET), cache=DEFAULT_CACHE)
    times = tree_counts(modules, next(reversed(modules)))
    return sum((counts[name] * number for name, number in times.items()), Count())


if __name__ == "__main__":
    raise SystemExit(main())
