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
from bench.markdown_table import markdown_table
from cocotb_tests.activity import RELATIONS, Measured, measure
from cocotb_tests.case import prepare
from model.zoo import load_integer, sample_images
from reports.engine_size import register_bits
from reports.technology import load_technology
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine

DOCUMENT = Path(__file__).parent.parent / "docs" / "energy.md"
BLOCK = "activity"
_MICRO = 1e-6


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
    rows = []
    for item in RELATIONS:
        seen, counted = measured.high_cycles(item), measured.counted(item)
        verdict = "equal" if seen == counted else f"off by {seen - counted:+,}"
        rows.append((item.means, f"{seen:,}", " + ".join(item.counters), f"{counted:,}", verdict))
    return markdown_table("nets | > cycles high | counters | > sum | ", rows)


def split_text(split: pd.DataFrame) -> str:
    """Both splits of the dynamic energy on the chip."""
    micro = split.filter(like="_pj").rename(columns=lambda name: name[:-3]) * _MICRO
    rows = [
        (name, f"{uj.counters:.3f}", f"{ours:.1%}", f"{uj.nets:.3f}", f"{nets:.1%}",
         f"{uj.memory:.3f}", f"{uj.logic:.3f}")
        for name, ours, nets, uj in zip(split["component"], split["counters_share"],
                                        split["nets_share"], micro.itertuples(), strict=True)
    ]  # fmt: skip
    sums = micro.sum()
    rows.append(("**all**", f"**{sums['counters']:.3f}**", "", f"**{sums['nets']:.3f}**", "",
                 f"{sums['memory']:.3f}", f"{sums['logic']:.3f}"))  # fmt: skip
    return markdown_table(
        "component | > uJ by counters | > share | > uJ by nets | > share | > of it memories "
        "| > logic",
        rows,
    )


def port_text(ports: pd.DataFrame) -> str:
    """Where the memories' part of the two splits differs, and why."""
    rows = [
        (row.ports, f"{row.charged_bits * _MICRO:.3f}", f"{row.moved_bits * _MICRO:.3f}",
         f"{row.difference_pj * _MICRO:.3f}", row.why or "equal")
        for row in ports.itertuples()
    ]  # fmt: skip
    rows.append(("**all**", "", "", f"**{ports['difference_pj'].sum() * _MICRO:.3f}**", ""))
    return markdown_table("ports | > Mbit charged | > Mbit moved | > uJ more by nets | why", rows)


def block_text(blocks: pd.DataFrame) -> str:
    """What every block's nets did."""
    changes = blocks["changes"].sum()
    rows = [
        (row.block, row.component, f"{row.registers:,}", f"{row.bits_read * _MICRO:.2f}",
         f"{row.bits_written * _MICRO:.2f}", f"{row.changes * _MICRO:.2f}",
         f"{row.changes / changes:.1%}")
        for row in blocks.itertuples()
    ]  # fmt: skip
    return markdown_table(
        "block | component | > register bits | > Mbit read | > Mbit written | > M changes "
        "| > share",
        rows,
    )


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
