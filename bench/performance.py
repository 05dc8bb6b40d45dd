"""The page docs/performance.md: Spikformer-4-384 with random tickets on `large` and its kin.

`python -m bench.performance` simulates what is not yet in build/performance and writes the page;
`--rtl` also takes one frame through the RTL in Verilator (a build of many minutes), whose result is
kept there for later pages. Stopped with Ctrl-C, it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from textwrap import wrap
from typing import Any

from bench.performance_points import FOLDER, IMAGES, Measured, Point, bounds, measured, ticket
from bench.performance_tables import BOTH, DENSE, SPARSE, tables
from cocotb_tests.cosim import run_cosim
from model import zoo
from reports.accuracy.markdown import table
from sim import simulate
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine

RTL_FILE = FOLDER / "rtl.json"
RATIO_LIMIT, WORK_LIMIT = 1.5, 2.2
"""Cycles of a layer over its lower bound, with and without broadcasts: more is told apart."""
_SOURCE = "`python -m bench.performance`"
_HEAD = ("cycles", "of it stem", "lanes busy", "busy in matmuls", "matches a lane",
         "broadcasts a cluster", "Mbit")  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Measures and writes the page; 0."""
    options = _parse(arguments)
    if options.rtl:
        RTL_FILE.parent.mkdir(parents=True, exist_ok=True)
        RTL_FILE.write_text(json.dumps(_rtl_frame(options.rtl)))
    found: dict[str, list[Measured]] = {}
    lines = list(_intro())
    for entry in tables():
        rows = []
        for words, point in entry.rows:
            print(f"{entry.title}: {', '.join(words)}", flush=True)
            found.setdefault(entry.title, []).append(measured(point))
            rows.append((*words, *_cells(found[entry.title][-1])))
        lines += [f"## {entry.title}", "", *_paragraph(*entry.text)]
        names = (*entry.names, *_HEAD)
        lines += table(names, rows, _SOURCE, words=range(len(entry.names)))
        if entry.title.startswith("What each"):
            points = [point for _, point in entry.rows]
            lines += _ideal(found[entry.title][0], found[entry.title][points.index(BOTH)])
    lines += [*_bounds_section(), *_simulator_section()]
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
        "leaves them, firing calibrated on real images to 15 % weighted by synaptic operations,",
        "spikes as bunched in time as the trained `nano`'s); their accuracy means nothing. Images",
        f"differ much (a seventh of the cycles, standard deviation): figures are means of {IMAGES}",
        "images, the first of the shipped samples, which the tickets were not calibrated on.",
        "",
        f"Machine: {platform.processor() or platform.machine()}, one thread; Python "
        f"{platform.python_version()}, NumPy {version('numpy')}, Numba {version('numba')}.",
        "",
    ]


def _cells(m: Measured) -> tuple[str, ...]:
    return (
        f"{m.cycles:,.0f}",
        f"{m.stem_cycles:,.0f}",
        f"{m.busy:.1%}",
        f"{m.matmul_busy:.1%}",
        f"{m.matches_per_lane:,.0f}",
        f"{m.broadcasts:,.0f}",
        f"{m.mbit:.1f}",
    )


def _ideal(dense: Measured, both: Measured) -> list[str]:
    """What both sparsities together gain, of what they could."""
    gain, ideal = dense.cycles / both.cycles, dense.matches_per_lane / both.matches_per_lane
    return _paragraph(
        f"Both sparsities together: {gain:.1f} times fewer cycles than dense, of {ideal:.1f} times",
        f"fewer matches (weights met by packed steps that are not silent): {gain / ideal:.0%} of",
        f"the ideal. The dense run keeps {dense.matmul_busy:.1%} of the lanes busy in its matmuls",
        "and convolutions.",
    )


def _bounds_section() -> list[str]:
    engine, frame = load_engine("large"), bounds(Point(DENSE))
    slow = frame[(frame["ratio"] > RATIO_LIMIT) | (frame["work_ratio"] > WORK_LIMIT)]
    rows = [
        (
            row["layer"],
            f"{row['cycles']:,.0f}",
            f"{row['bound']:,.0f}",
            row["limit"],
            f"{row['ratio']:.2f}",
            f"{row['work_ratio']:.2f}",
            f"{row['memory']:,.0f}",
            f"{row['idle']:.1%}",
        )
        for _, row in frame.iterrows()
    ]
    names = (
        "layer",
        "cycles",
        "bound",
        "limit",
        "cycles / bound",
        "without broadcasts",
        "beats arrived",
        "waiting for weights",
    )
    told = ", ".join(f"`{name}`" for name in slow["layer"]) or "none"
    return [
        "## Layers and their lower bounds",
        "",
        *_paragraph(
            f"`large` ({engine.clusters} x {engine.lanes}), 90 % zeros, 0.9 of the tokens. Bound:",
            "the most of broadcasts a cluster, matches a lane, beats of the memory, membrane",
            "updates a cluster and attention rows a unit, if all were spread perfectly. Beats that",
            "arrived while the layer ran are those of later layers as well: weights stream ahead",
            "of compute.",
        ),
        *table(names, rows, _SOURCE, words=(0, 3)),
        *_paragraph(
            f"Above {RATIO_LIMIT} times the bound, or {WORK_LIMIT} times that without broadcasts:",
            f"{told}.",
        ),
    ]


def _simulator_section() -> list[str]:
    rows = [
        (
            str(row["frames"]),
            f"{row['seconds']:.2f}",
            f"{row['frames'] / row['seconds']:.1f}",
            f"{row['peak_gib']:.2f}",
        )
        for row in simulator_speed()
    ]
    names = ("frames", "processor seconds", "frames a second", "peak memory, GiB")
    return [
        "## The simulator",
        "",
        *_paragraph(
            "`large`, 90 % zeros, 0.9 of the tokens; one thread, compiled code at hand, a process",
            "of its own.",
        ),
        *table(names, rows, "`python -m bench.simulator_speed`", words=()),
    ]


def simulator_speed() -> list[dict[str, float]]:
    """What `bench.simulator_speed` prints, in a process of its own."""
    words = [sys.executable, "-m", "bench.simulator_speed"]
    printed = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return list(json.loads(printed))


def _paragraph(*parts: str) -> list[str]:
    return [*wrap(" ".join(parts), 96), ""]


def _rtl_frame(name: str) -> dict[str, Any]:
    """One image of ticket `name` through golden model, simulator and RTL, and more for its time."""
    network = ticket(name)
    program = compile_network(network, load_engine("large"))
    images = zoo.sample_images().images
    result = asdict(run_cosim(network, program, images[:1]))
    started = time.process_time()
    simulate(program, images[:IMAGES])
    simulated = (time.process_time() - started) / IMAGES
    return {key: value for key, value in result.items() if key not in ("run_dir", "waves")} | {
        "network": name,
        "sim_cpu_seconds": simulated,
    }


def _rtl_section(result: dict[str, Any]) -> list[str]:
    cycles, seconds = result["rtl_cycles"], result["rtl_cpu_seconds"]
    simulated = result["sim_cpu_seconds"]
    exact = {True: "equal in all", False: "NOT equal"}
    rows = [
        ("values of RTL, simulator and integer network", exact[result["bit_exact"]]),
        ("cycles and counters of RTL and simulator, every layer", exact[result["cycle_exact"]]),
        ("cycles of the frame", f"{cycles:,}"),
        ("Verilator, processor seconds", f"{seconds:,.1f}"),
        ("Verilator, cycles a processor second", f"{cycles / seconds:,.0f}"),
        ("Verilator, seconds on the wall", f"{result['rtl_wall_seconds']:,.1f}"),
        ("build, seconds on the wall", f"{result['rtl_build_seconds']:,.0f}"),
        (f"simulator, processor seconds a frame, mean of {IMAGES}", f"{simulated:.3f}"),
        ("Verilator / simulator, processor seconds a frame", f"{seconds / simulated:,.0f}"),
    ]
    text = [f"One frame of `{result['network']}` on `large`, other work on the machine:", ""]
    source = "`python -m bench.performance --rtl NAME`"
    lines = ["## Against the hardware", "", *text, *table(("what", "is"), rows, source)]
    mismatch = result["first_mismatch"]
    return [*lines, f"First difference: {mismatch}", ""] if mismatch else lines


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.performance")
    parser.add_argument("--out", type=Path, default=Path("docs/performance.md"))
    parser.add_argument("--rtl", choices=(DENSE, SPARSE), help="take a frame through the RTL")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
