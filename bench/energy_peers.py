"""Energy and frames/s of Spikformer-4-384 beside Prosperity's, at its clock and at the preset's.

`python -m bench.energy_peers` makes the random ticket (93.9 % zeros, 0.7 of the tokens), simulates
it on `large` and on engines with as many adders as Prosperity, and prints energies under
`asic-28nm`. `--write-docs` also writes the block of docs/energy.md and reports/reference_runs.json,
from which every report takes our rows of its table of peers. `--stored` prices what is there
already. Exit code 1 if none of the engines takes less than Prosperity at its clock.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.blocks import write_block
from bench.energy_peers_text import PROSPERITY_MHZ, TECHNOLOGY, block_text, prosperity
from bench.performance_tables import shape
from model.random_ticket import TICKETS, make_ticket
from model.zoo import sample_images
from reports.reference_runs import (
    PRESET,
    ReferenceRun,
    ReferenceRuns,
    load_reference_runs,
    save_reference_runs,
)
from reports.technology import load_technology
from reports.workload import dense_operations
from sim import simulate
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.network import IntegerNetwork

DOCUMENT = Path(__file__).parent.parent / "docs" / "energy.md"
BLOCK = "peers"
TICKET = "spikformer-4-384-s94-r70"
NOTE = "random ticket, not trained: its accuracy means nothing"
ENGINES: dict[str, dict[str, int]] = {
    PRESET: {},
    **{
        f"{clusters} x {lanes}, chunk {chunk}": shape(clusters, lanes, chunk, digit_bits=2)
        for clusters, lanes, chunk in ((4, 8, 32), (8, 4, 16), (8, 4, 32), (8, 4, 64))
    },
}
"""What differs from `large`: 32 lanes of two channels, which have 128 adders, and 2-bit digits."""


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints and writes; 0 if an engine beats Prosperity at its clock, else 1."""
    options = _parse(arguments)
    if options.stored:
        runs = load_reference_runs()
    else:
        network = make_ticket(TICKET) if options.network is None else _load(options.network)
        runs = reference_runs(network, images=options.images)
    text = block_text(runs)
    print(text)
    if options.write_docs:
        write_block(DOCUMENT, BLOCK, text)
        if not options.stored:
            save_reference_runs(runs)
    technology = load_technology(TECHNOLOGY)
    best = min(runs.priced(run, technology, PROSPERITY_MHZ).joule for run in runs.runs)
    return 0 if best * 1e3 < prosperity()["millijoule"] else 1


def reference_runs(network: IntegerNetwork, *, images: int) -> ReferenceRuns:
    """The network on every engine, over the first `images` shipped samples."""
    sparsity, keep_ratio = TICKETS[TICKET]
    return ReferenceRuns(
        network="spikformer-4-384",
        network_hash=network.content_hash(),
        gops=dense_operations(network.config) * 1e-9,
        weight_sparsity=sparsity,
        keep_ratio=keep_ratio,
        note=NOTE,
        images=images,
        runs=tuple(_run(name, own, network, images) for name, own in ENGINES.items()),
    )


def _run(name: str, fields: dict[str, int], network: IntegerNetwork, images: int) -> ReferenceRun:
    print(f"simulating {TICKET} on {name}", file=sys.stderr, flush=True)
    program = compile_network(network, load_engine(PRESET, **fields))
    counters = simulate(program, sample_images().images[:images]).counters.sum((0, 1)).tolist()
    return ReferenceRun(name, fields, dict(zip(COUNTERS, counters, strict=True)), program.hash)


def _load(path: Path) -> IntegerNetwork:
    return IntegerNetwork.load(path)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.energy_peers")
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--network", type=Path, help="a ticket made before, in place of a new one")
    parser.add_argument(
        "--stored", action="store_true", help="simulate nothing, price what is kept"
    )
    parser.add_argument("--write-docs", action="store_true", help="docs/energy.md and the data")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
