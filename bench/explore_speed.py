"""How many design points a second an exploration evaluates, and what a second worker adds.

Run as `python -m bench.explore_speed`; `--write-docs` puts the table into docs/exploration.md.
Every line is a fresh run of `sparsespike explore` in an empty folder: no point is reused, accuracy
is not measured, and the clock includes that the workers load their code.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bench.blocks import write_block

_COMMAND = "import sys; from sparsespike.cli.main import main; sys.exit(main(sys.argv[1:]))"
DOCS = Path(__file__).resolve().parent.parent / "docs" / "exploration.md"
_ROOM = {"mask_depth": 1024, "weight_depth": 8192, "spike_depth": 40960, "count_depth": 20480}
_SHAPES = {"clusters": [1, 2, 4, 8], "lanes": [4, 8, 16], "chunk": [8, 16, 32]}
_LARGE_SHAPES = {"clusters": [12, 16, 24], "lanes": [4, 8], "chunk": [16, 32]}
_LARGE_ROOM = {**_ROOM, "head_slots": 64, "attention_depth": 64}
_TIMES = {"fifo_depth": [2, 4, 8], "memory_interval": [1, 2, 4]}


class Case(NamedTuple):
    """A space to measure: knobs and fixed fields of the engine."""

    name: str
    network: str
    engine: str
    images: int
    fields: Mapping[str, Any]


def cases(ticket: Path | None) -> list[Case]:
    """Those of nano and, if there is its file, of Spikformer-4-384."""
    bus = {"axi_data_bits": [64, 128]}
    found = [
        Case("nano, 9 timings of each engine", "nano", "small", 2, _ROOM | _SHAPES | _TIMES),
        Case("nano, every engine another", "nano", "small", 2, _ROOM | _SHAPES | bus),
    ]
    if ticket is not None:
        network, shapes = str(ticket.resolve()), _LARGE_ROOM | _LARGE_SHAPES
        name = "Spikformer-4-384"
        found += [
            Case(f"{name}, 9 timings of each engine", network, "large", 1, shapes | _TIMES),
            Case(f"{name}, every engine another", network, "large", 1, shapes | bus),
        ]
    return found


def measure(case: Case, workers: int) -> dict[str, Any]:
    """The JSON result of an exploration of the case."""
    with tempfile.TemporaryDirectory() as folder:
        space, result = Path(folder, "space.toml"), Path(folder, "result.json")
        space.write_text(_space(case))
        words = ["explore", str(space), "-o", f"{folder}/out", "--json", str(result)]
        words += ["--workers", str(workers)]
        subprocess.run(
            [sys.executable, "-c", _COMMAND, *words],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        found: dict[str, Any] = json.loads(result.read_text())
    if found["reused"] or found["infeasible"]:
        raise RuntimeError(f"{case.name}: some points were reused or infeasible: {found}")
    return found


def _space(case: Case) -> str:
    """The case as a TOML file."""
    lines = [
        'objectives = ["fps", "energy_uj", "lut"]',
        "[base]",
        f"network = {json.dumps(case.network)}",
        f'engine = "{case.engine}"',
        f"images = {case.images}",
        "accuracy_images = 0",
        "[engine]",
        *(f"{name} = {value}" for name, value in case.fields.items()),
    ]
    return "\n".join(lines) + "\n"


def table(ticket: Path | None) -> list[str]:
    """Markdown: one line a case, measured with one worker and with two."""
    lines = [
        f"Points a second on {os.cpu_count()} cores, none reused:",
        "",
        "| space | points | images a point | 1 worker | 2 workers | gain |",
        "|---|---|---|---|---|---|",
    ]
    for case in cases(ticket):
        one, two = (measure(case, workers) for workers in (1, 2))
        rates = [run["points_per_second"] for run in (one, two)]
        lines.append(
            f"| {case.name} | {two['new']:,} | {case.images} | {rates[0]:.1f} | {rates[1]:.1f} | "
            f"{rates[1] / rates[0]:.2f} |"
        )
        print(lines[-1], file=sys.stderr, flush=True)
    return lines


def main() -> None:
    """Measure, print, and write the documentation if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--ticket",
        type=Path,
        metavar="FILE",
        help="also Spikformer-4-384, from `model.random_ticket spikformer-4-384 --out FILE`",
    )
    parser.add_argument("--write-docs", action="store_true", help=f"into {DOCS.name}")
    arguments = parser.parse_args()
    if arguments.ticket is not None and not arguments.ticket.is_file():
        parser.error(f"--ticket {arguments.ticket}: no such file; model.random_ticket makes it")
    lines = table(arguments.ticket)
    print("\n".join(lines))
    if arguments.write_docs:
        write_block(DOCS, "explore-speed", "\n".join(lines))


if __name__ == "__main__":
    main()
