"""Energy by the counters against the switching activity of the RTL, on a real image.

`python -m bench.activity` runs `nano` on `small` in Verilator with a SAIF file, compares port
enables with counters where they must be equal, and prints where the energy goes by either split.
`--write-docs` puts the tables into docs/energy.md. Exit code 1 if a relation does not hold.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

from bench.activity_compare import block_table, component_table
from bench.activity_ports import port_table
from bench.blocks import write_block
from cocotb_tests.activity import RELATIONS, Measured, measure
from cocotb_tests.case import prepare
from model.zoo import load_integer, sample_images
from reports.engine_size import register_bits
from reports.technology import load_technology
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine

DOCUMENT = Path(__file__).parent.parent / "docs" / "energy.md"
BLOCK = "activity"


def main(arguments: list[str] | None = None) -> int:
    """Measures and prints; 0 if every relation holds, else 1."""
    options = _parse(arguments)
    network, engine = load_integer(options.network), load_engine(options.engine)
    images = sample_images().images[: options.images]
    measured = measure(prepare(network, compile_network(network, engine), images))
    technology = load_technology(options.technology)
    blocks = block_table(measured, technology)
    split = component_table(measured, blocks, engine=engine, technology=technology)
    text = "\n\n".join(
        [
            f"`{options.network}` on `{options.engine}`, {options.images} image"
            f"{'s' * (options.images > 1)}, {measured.cycles:,} cycles, `{technology.name}`:",
            relation_text(measured),
            split_text(split),
            port_text(port_table(measured, engine=engine, technology=technology)),
            block_text(blocks),
            f"Register bits: {blocks['registers'].sum():,} in the netlist, "
            f"{register_bits(engine):,} by the rule that prices the clock.",
        ]
    )
    print(text)
    if options.write_docs:
        write_block(DOCUMENT, BLOCK, text)
    equal = all(measured.high_cycles(item) == measured.counted(item) for item in RELATIONS)
    return 0 if equal else 1


def relation_text(measured: Measured) -> str:
    """Port enables beside counters."""
    lines = ["| nets | cycles high | counters | sum | |", "|---|---:|---|---:|---|"]
    for item in RELATIONS:
        seen, counted = measured.high_cycles(item), measured.counted(item)
        verdict = "equal" if seen == counted else f"off by {seen - counted:+,}"
        names = " + ".join(item.counters)
        lines.append(f"| {item.means} | {seen:,} | {names} | {counted:,} | {verdict} |")
    return "\n".join(lines)


def split_text(split: pd.DataFrame) -> str:
    """Both splits of the dynamic energy on the chip."""
    lines = [
        "| component | uJ by counters | share | uJ by nets | share | of it memories | logic |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in split.to_dict("records"):
        lines.append(
            f"| {row['component']} | {row['counters_pj'] * 1e-6:.3f} | {row['counters_share']:.1%} "
            f"| {row['nets_pj'] * 1e-6:.3f} | {row['nets_share']:.1%} "
            f"| {row['memory_pj'] * 1e-6:.3f} | {row['logic_pj'] * 1e-6:.3f} |"
        )
    sums = split.sum(numeric_only=True) * 1e-6
    lines.append(
        f"| **all** | **{sums['counters_pj']:.3f}** | | **{sums['nets_pj']:.3f}** | "
        f"| {sums['memory_pj']:.3f} | {sums['logic_pj']:.3f} |"
    )
    return "\n".join(lines)


def port_text(ports: pd.DataFrame) -> str:
    """Where the memories' part of the two splits differs, and why."""
    lines = [
        "| ports | Mbit charged | Mbit moved | uJ more by nets | why |",
        "|---|---:|---:|---:|---|",
    ]
    for row in ports.to_dict("records"):
        lines.append(
            f"| {row['ports']} | {row['charged_bits'] * 1e-6:.3f} | {row['moved_bits'] * 1e-6:.3f} "
            f"| {row['difference_pj'] * 1e-6:.3f} | {row['why'] or 'equal'} |"
        )
    lines.append(f"| **all** | | | **{ports['difference_pj'].sum() * 1e-6:.3f}** | |")
    return "\n".join(lines)


def block_text(blocks: pd.DataFrame) -> str:
    """What every block's nets did."""
    lines = [
        "| block | component | register bits | Mbit read | Mbit written | M changes | share |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    changes = blocks["changes"].sum()
    for row in blocks.to_dict("records"):
        lines.append(
            f"| {row['block']} | {row['component']} | {row['registers']:,} "
            f"| {row['bits_read'] * 1e-6:.2f} | {row['bits_written'] * 1e-6:.2f} "
            f"| {row['changes'] * 1e-6:.2f} | {row['changes'] / changes:.1%} |"
        )
    return "\n".join(lines)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.activity")
    parser.add_argument("--network", default="nano")
    parser.add_argument("--engine", default="small")
    parser.add_argument("--images", type=int, default=1)
    parser.add_argument("--technology", default="asic-28nm")
    parser.add_argument("--write-docs", action="store_true", help="also into docs/energy.md")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
