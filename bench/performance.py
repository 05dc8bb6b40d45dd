"""The page docs/performance.md: Spikformer-4-384 with random tickets on `large` and its kin.

`python -m bench.performance` simulates what is not yet in build/performance and writes the page;
`--rtl` also takes one frame through the RTL in Verilator (a build of many minutes), whose result is
kept there for later pages. Stopped with Ctrl-C, it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.performance_points import FOLDER, IMAGES, Measured, Point, measured, ticket
from cocotb_tests.cosim import run_cosim
from model import zoo
from reports.accuracy.markdown import table
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine

DENSE, SPARSE = "spikformer-4-384", "spikformer-4-384-s94-r70"
RTL_FILE = FOLDER / "rtl.json"
_LUTS = {16: 403, 32: 650}
"""Six-input LUTs of a lane by chunk: `synth_xilinx` of a lane with its queue, without LIF."""
_PIXEL_WORDS = 4096
"""Spike words that the image and the first layer of 4-384 need, about."""
Table = tuple[str, list[str], list[tuple[tuple[str, ...], Point]]]
"""Title and names of the columns; text; words of a row and what is simulated for it."""
_SOURCE = "`python -m bench.performance`"
_HEAD = ("cycles", "of it stem", "lanes busy", "matches a lane", "broadcasts a cluster", "Mbit")


def main(arguments: list[str] | None = None) -> int:
    """Measures and writes the page; 0."""
    options = _parse(arguments)
    if options.rtl:
        RTL_FILE.parent.mkdir(parents=True, exist_ok=True)
        RTL_FILE.write_text(json.dumps(_rtl_frame(options.rtl)))
    lines = _intro()
    tables = [*_tables(), *([_balanced_table()] if options.balanced else [])]
    for title, text, points in tables:
        rows = []
        for words, point in points:
            print(f"{title}: {', '.join(words)}", flush=True)
            rows.append((*words, *_cells(measured(point))))
        names = tuple(title.split(": ", 1)[1].split(", "))
        lines += [f"## {title.split(': ', 1)[0]}", "", *text, ""]
        lines += table((*names, *_HEAD), rows, _SOURCE, words=range(len(names)))
    if RTL_FILE.is_file():
        lines += _rtl_section(json.loads(RTL_FILE.read_text()))
    options.out.write_text("\n".join(lines).rstrip() + "\n")
    print(options.out)
    return 0


def _intro() -> list[str]:
    return [
        "# Performance",
        "",
        "Spikformer-4-384 (9.3 M weights, CIFAR-10, T = 4), whole frames from pixels to logits,",
        "all included: first layer, attention, selectors, head, weights from external memory. No",
        "trained network of this size is shipped: **weights are random tickets**, made as",
        "`model/random_ticket.py` says (densities of layers and spread of fan-out as pruning",
        "leaves them, firing calibrated on real images); their accuracy means nothing. Their",
        "spikes are less bunched than those of a trained network (1.5 additions for a weight that",
        "meets a spike; the trained `nano`: 1.9), so that lanes have more to do. Every figure is",
        f"the mean of {IMAGES} images of the shipped samples unless it says otherwise.",
        "",
        f"Machine: {platform.processor() or platform.machine()}, one thread; Python "
        f"{platform.python_version()}, NumPy {version('numpy')}, Numba {version('numba')}.",
        "",
    ]


def _tables() -> list[Table]:
    large = load_engine("large")
    shape = f"{large.clusters} x {large.lanes}, chunk {large.chunk}"
    return [
        (
            "Networks on large: weights zero, tokens kept",
            [f"`large`: {shape}, FIFO {large.fifo_depth}, {large.axi_data_bits}-bit bus."],
            [
                (("90 %", "0.9"), Point(DENSE)),
                (("90 %", "0.7"), Point(DENSE, keep_ratio=0.7)),
                (("90 %", "0.5"), Point(DENSE, keep_ratio=0.5)),
                (("93.9 %", "0.7"), Point(SPARSE)),
            ],
        ),
        (
            "Lanes and chunk: clusters x lanes, chunk, kLUT of lanes",
            ["90 % zeros, 0.9 of the tokens. A lane takes about 403 six-input LUTs with 16-input",
             "chunks and 650 with 32."],
            [
                ((f"{k} x {n}", str(c), f"{k * n * _LUTS[c] / 1000:.0f}" if c in _LUTS else "-"),
                 Point(DENSE, _shape(k, n, c)))
                for k, n, c in ((24, 8, 16), (18, 8, 16), (12, 8, 16), (12, 16, 16), (24, 8, 32),
                                (12, 8, 32), (8, 8, 16), (8, 8, 32), (8, 8, 64))
            ],
        ),
        (
            "As many adders as Prosperity's array: clusters x lanes, chunk",
            ["32 lanes, 128 adders; 93.9 % zeros, 0.7 of the tokens. Prosperity's simulator gives",
             "1,871,685 cycles for the same network, without first layer and head (its published",
             "reference file)."],
            [
                (("4 x 8", str(c)), Point(SPARSE, _shape(4, 8, c))) for c in (16, 32, 64)
            ],
        ),
        (
            "Queue of a lane: FIFO depth",
            ["90 % zeros, 0.9 of the tokens, `large` otherwise."],
            [((str(f),), Point(DENSE, {"fifo_depth": f})) for f in (1, 4, 16, 32)],
        ),
        (
            "Mapping: bands of positions",
            ["The same; as many bands as asked for in every layer that can have them, or as the",
             "compiler chooses."],
            [
                *(((str(b),), Point(DENSE, bands=b)) for b in (1, 8)),
                (("chosen",), Point(DENSE)),
            ],
        ),
        (
            "External memory: cycles a beat",
            ["The same; 128-bit beats."],
            [((str(i),), Point(DENSE, {"memory_interval": i})) for i in (1, 4)],
        ),
    ]  # fmt: skip


def _balanced_table() -> Table:
    return (
        "Balanced tickets: weights of an output",
        ["90 % zeros, 0.9 of the tokens; as uneven as pruning leaves them, or as many weights",
         "in every output of a layer. What balancing costs in accuracy is not measured."],
        [
            (("uneven",), Point(DENSE)),
            (("balanced",), Point(DENSE, balanced=True)),
            (("balanced, chunk 32",), Point(DENSE, _shape(24, 8, 32), balanced=True)),
        ],
    )  # fmt: skip


def _shape(clusters: int, lanes: int, chunk: int) -> dict[str, int]:
    """Fields of an engine like `large`, its memories as many bits at any chunk.

    A pixel takes a word however wide, which wide chunks need some words more for.
    """
    large = load_engine("large")
    depths = {name: getattr(large, name) for name in ("mask_depth", "spike_depth", "count_depth")}
    fields = {name: depth * large.chunk // chunk for name, depth in depths.items()}
    fields["spike_depth"] = max(fields["spike_depth"], _PIXEL_WORDS)
    return {
        "clusters": clusters,
        "lanes": lanes,
        "chunk": chunk,
        "attention_units": min(large.attention_units, clusters),
        **fields,
    }


def _cells(m: Measured) -> tuple[str, ...]:
    return (
        f"{m.cycles:,.0f}",
        f"{m.stem_cycles:,.0f}",
        f"{m.busy:.1%}",
        f"{m.matches_per_lane:,.0f}",
        f"{m.broadcasts:,.0f}",
        f"{m.mbit:.1f}",
    )


def _rtl_frame(name: str) -> dict[str, Any]:
    """One image of ticket `name` through golden model, simulator and RTL."""
    network = ticket(name)
    program = compile_network(network, load_engine("large"))
    result = asdict(run_cosim(network, program, zoo.sample_images().images[:1]))
    return {key: value for key, value in result.items() if key not in ("run_dir", "waves")} | {
        "network": name
    }


def _rtl_section(result: dict[str, Any]) -> list[str]:
    cycles, seconds = result["rtl_cycles"], result["rtl_cpu_seconds"]
    exact = {True: "equal in all", False: "NOT equal"}
    rows = [
        ("values of RTL, simulator and integer network", exact[result["bit_exact"]]),
        ("cycles and counters of RTL and simulator, every layer", exact[result["cycle_exact"]]),
        ("cycles of the frame", f"{cycles:,}"),
        ("Verilator, processor seconds", f"{seconds:,.1f}"),
        ("Verilator, cycles a processor second", f"{cycles / seconds:,.0f}"),
        ("Verilator, seconds on the wall", f"{result['rtl_wall_seconds']:,.1f}"),
        ("build, seconds on the wall", f"{result['rtl_build_seconds']:,.0f}"),
        ("simulator, seconds on the wall", f"{result['sim_wall_seconds']:.2f}"),
    ]
    text = [f"One frame of `{result['network']}` on `large`, other work on the machine:", ""]
    source = "`python -m bench.performance --rtl NAME`"
    lines = ["## Against the hardware", "", *text, *table(("what", "is"), rows, source)]
    mismatch = result["first_mismatch"]
    return [*lines, f"First difference: {mismatch}", ""] if mismatch else lines


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.performance")
    parser.add_argument("--out", type=Path, default=Path("docs/performance.md"))
    parser.add_argument("--balanced", action="store_true", help="a balanced ticket as well")
    parser.add_argument("--rtl", choices=(DENSE, SPARSE), help="take a frame through the RTL")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
