"""Fmax, utilisation and frames/s of engines on an ECP5-85F, as a table of docs/fpga.md.

`python -m bench.fmax` places and routes each engine with its seeds and simulates the networks that
fit it; `--write-docs` puts the table into docs/fpga.md. What is finished stays in build/synth, so
that a run stopped with Ctrl-C goes on where it was.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from bench.blocks import write_block
from hw.flow.harness import HARNESS, harness_verilog
from hw.flow.route import Route, median_mhz, place_and_route
from hw.flow.synthesis import DEFAULT_CACHE, synthesize
from hw.flow.targets import find_target
from hw.flow.yosys import ToolError
from hw.generate import engine_verilog
from model import zoo
from model.random_ticket import make_ticket
from reports.accuracy.markdown import table
from sim import simulate
from sparsespike.compiler import compile_network
from sparsespike.contract.config import EngineConfig, load_engine
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerNetwork

DOCUMENT = Path(__file__).parent.parent / "docs" / "fpga.md"
BLOCK = "fmax"
TARGET = "ecp5-85k"
SEEDS = {"micro": 1, "small": 5, "ecp5-max": 1}
"""Seeds of each engine."""
AIM_MHZ = 90.0
"""What the placer is asked for: the clock that `small` is meant to reach. 100 gave a slower one."""
IMAGES = 2
TICKET = "spikformer-4-384"
_USED = {"lut": "LUT4", "ff": "FF", "bram": "block RAM", "dsp": "DSP"}
_HEAD = ("engine", *_USED.values(), "seeds", "MHz, median", "MHz, best", "critical path")
_NEED = re.compile(r"\((\w+)[^)]*\).* needs (\d+), the engine has (\d+)")


def main(arguments: list[str] | None = None) -> int:
    """Places, simulates and prints; 0."""
    options = _parse(arguments)
    networks = {"nano": zoo.load_integer("nano"), "4-384": make_ticket(TICKET)}
    rows = [_row(name, seeds, networks) for name, seeds in _chosen(options)]
    speeds = [f"{name}, {what}" for name in networks for what in ("cycles", "frames/s")]
    text = "\n".join(table((*_HEAD, *speeds), rows, "`make fmax`", words=(0, 8)))
    print(text)
    if options.write_docs:
        write_block(DOCUMENT, BLOCK, text)
    return 0


def _row(name: str, seeds: int, networks: dict[str, IntegerNetwork]) -> list[str]:
    engine, target = load_engine(name), find_target(TARGET)
    print(f"{name}: {seeds} seeds on {TARGET}", file=sys.stderr, flush=True)
    verilog = engine_verilog(engine)
    need = synthesize(verilog, target, cache=DEFAULT_CACHE, progress=_tell).total
    needed = [_share(getattr(need, key), target.available[key]) for key in _USED]
    if need.bram > target.available["bram"]:
        return [name, *needed, "0", "-", "-", "does not fit", *_frames(networks, engine, None)]
    try:
        routes = place_and_route(
            verilog + harness_verilog(engine),
            HARNESS,
            target,
            seeds=seeds,
            clock_mhz=AIM_MHZ,
            cache=DEFAULT_CACHE,
            progress=_tell,
        )
    except ToolError as error:
        print(f"{name}: {error}", file=sys.stderr, flush=True)
        return [name, *needed, "0", "-", "-", "does not place", *_frames(networks, engine, None)]
    frames = _frames(networks, engine, median_mhz(routes))
    return [name, *_used(routes), str(len(routes)), *_speed(routes), *frames]


def _used(routes: list[Route]) -> list[str]:
    found = routes[0].utilization
    return [_share(*found.get(name, (0, 1))) for name in _USED]


def _share(used: float, available: int) -> str:
    return f"{used:,.0f} ({100 * used / available:.0f} %)"


def _speed(routes: list[Route]) -> list[str]:
    best = max(routes, key=lambda route: route.fmax_mhz)
    path = " > ".join(best.path.blocks)
    return [f"{median_mhz(routes):.1f}", f"{best.fmax_mhz:.1f}", path]


def _frames(
    networks: dict[str, IntegerNetwork], engine: EngineConfig, mhz: float | None
) -> list[str]:
    """Of each network cycles and frames/s, means over the first sample images.

    Of a network that does not fit: which size is too small.
    """
    texts = []
    for network in networks.values():
        try:
            program = compile_network(network, engine)
        except ContractError as error:
            texts += [_too_small(error), "-"]
            continue
        cycles = simulate(program, zoo.sample_images().images[:IMAGES]).cycles.sum(1).mean()
        texts += [f"{cycles:,.0f}", "-" if mhz is None else f"{mhz * 1e6 / cycles:,.1f}"]
    return texts


def _too_small(error: ContractError) -> str:
    found = _NEED.search(str(error))
    return f"`{found[1]}`: {found[3]} of {found[2]}" if found else str(error).split(";")[0]


def _tell(done: int, total: int, what: str) -> None:
    print(f"  {done} of {total}: {what}", file=sys.stderr, flush=True)


def _chosen(options: argparse.Namespace) -> list[tuple[str, int]]:
    names = options.engines or list(SEEDS)
    return [(name, options.seeds or SEEDS.get(name, 1)) for name in names]


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.fmax")
    parser.add_argument("engines", nargs="*", help="presets or files; micro, small, ecp5-max")
    parser.add_argument("--seeds", type=int, default=0, help="of every engine")
    parser.add_argument("--write-docs", action="store_true", help="into docs/fpga.md")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
