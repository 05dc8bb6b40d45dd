"""Builds a testbench once and runs it as often as wanted.

A build lives in `<build_dir>/<hash of sources, parameters, options and tool version>` and is reused
as long as none of them changes; a lock file keeps two processes from making the same one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cocotb_tools.runner import Runner

from cocotb_tests.simulators import ICARUS_WAVES, LeanVerilator, make_runner
from cocotb_tests.tools import simulator_environment, tool_version

DEFAULT_BUILD_DIR = Path("build") / "rtl"
TIMESCALE = ("1ns", "1ps")
_VERILATOR_ARGUMENTS = (
    "-Wno-fatal",
    "-Wno-WIDTH",
    "-Wno-lint",
    "-Wno-style",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "--output-split",
    "8000",
    "-CFLAGS",
    "-O1",
)


class RtlBuildError(RuntimeError):
    """The simulator refused the sources; the message names the log and holds its end."""


class RtlRunError(RuntimeError):
    """The simulation ended without results; the message names the log and holds its end."""


@dataclass(frozen=True, kw_only=True)
class Build:
    """A simulation that can be run.

    Attributes:
        activity: its waves are a SAIF file: toggles of every net instead of their times.
        seconds: wall time that making it took, also if that was in an earlier process.
    """

    simulator: str
    top: str
    directory: Path
    waves: bool
    activity: bool
    seconds: float


def build(
    sources: Sequence[Path],
    *,
    top: str,
    simulator: str = "verilator",
    parameters: Mapping[str, int] | None = None,
    waves: bool = False,
    activity: bool = False,
    build_dir: Path | None = None,
) -> Build:
    """A build of `sources`, made now or found.

    waves: the run writes a waveform; activity: a SAIF file instead (Verilator only).
    Raises RtlBuildError if it fails, ToolMissingError if the simulator is not installed.
    """
    parameters = dict(parameters or {})
    sources = [path for path in sources if simulator == "verilator" or path.suffix != ".vlt"]
    waves = waves or activity
    settings: dict[str, object] = {"top": top, "waves": waves, **parameters}
    if activity:
        settings["activity"] = True
    key = _key(sources, simulator, settings)
    directory = usable_folder(build_dir or DEFAULT_BUILD_DIR) / key
    done = directory / "done.json"
    with locked(directory.with_suffix(".lock")):
        if not done.is_file():
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True)
            kind = "saif" if activity else waves
            runtime = _runtime_folder(directory.parent, simulator, kind)
            runner = make_runner(simulator, runtime, activity=activity)
            seconds = _make(runner, sources, top, parameters, waves, directory)
            if isinstance(runner, LeanVerilator):
                runner.keep_runtime()
            _prune(directory, top)
            done.write_text(json.dumps({"seconds": seconds}))
        seconds = json.loads(done.read_text())["seconds"]
    return Build(
        simulator=simulator,
        top=top,
        directory=directory,
        waves=waves,
        activity=activity,
        seconds=seconds,
    )


def run(
    made: Build, module: str, *, run_dir: Path, environment: Mapping[str, str] | None = None
) -> None:
    """Runs every test of the cocotb module `module` in folder `run_dir`.

    Raises RtlRunError if the simulation or one of its tests fails.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    log = run_dir / "simulation.log"
    results = run_dir.resolve() / "results.xml"
    results.unlink(missing_ok=True)
    runner = make_runner(made.simulator, made.directory)
    variables = {**simulator_environment(), "COCOTB_LOG_LEVEL": "WARNING", **(environment or {})}
    chosen = made.waves and made.simulator == "verilator"
    arguments = ["--trace-file", str(wave_path(made, run_dir))] if chosen else []
    try:
        with _changed_environment(variables):
            runner.hdl_toplevel = made.top
            runner.test(
                module,
                made.top,
                hdl_toplevel_lang="verilog",
                build_dir=made.directory,
                test_dir=run_dir,
                results_xml=str(results),
                extra_env=variables,
                waves=made.waves,
                log_file=log,
                test_args=arguments,
            )
    except (RuntimeError, SystemExit) as error:
        raise RtlRunError(f"{made.simulator} run failed, see {log}: {_tail(log)}") from error
    if not results.is_file() or "<failure" in results.read_text():
        raise RtlRunError(f"{made.simulator} run failed, see {log}: {_tail(log)}")


def wave_path(made: Build, run_dir: Path) -> Path:
    """Where `run` writes the waveform of a build with waves."""
    if made.simulator == "icarus":
        return run_dir.resolve() / ICARUS_WAVES
    return run_dir.resolve() / ("activity.saif" if made.activity else "waves.vcd")


def usable_folder(folder: Path) -> Path:
    """`folder`, absolute; a temporary one instead where its path has a space (make cannot)."""
    folder = folder.resolve()
    if any(character.isspace() for character in str(folder)):
        name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"sparsespike-{os.getuid()}" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock on file `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(
    runner: Runner,
    sources: Sequence[Path],
    top: str,
    parameters: Mapping[str, int],
    waves: bool,
    directory: Path,
) -> float:
    log = directory / "build.log"
    verilator = isinstance(runner, LeanVerilator)
    started = time.perf_counter()
    try:
        with _changed_environment(simulator_environment()):
            runner.build(
                sources=sorted(sources, key=lambda path: path.suffix != ".vlt"),
                hdl_toplevel=top,
                parameters=parameters,
                build_args=_VERILATOR_ARGUMENTS if verilator else (),
                build_dir=directory,
                timescale=TIMESCALE,
                waves=waves,
                log_file=log,
            )
    except (RuntimeError, SystemExit) as error:
        raise RtlBuildError(f"RTL build failed, see {log}: {_tail(log)}") from error
    return time.perf_counter() - started


def _prune(directory: Path, top: str) -> None:
    """Removes what running does not need: sources and objects of a build are a hundred times it."""
    kept = {top, "sim.vvp", "build.log"}
    for path in directory.iterdir():
        if path.is_file() and path.name not in kept:
            path.unlink()


def _runtime_folder(base: Path, simulator: str, waves: bool | str) -> Path:
    text = json.dumps([tool_version(simulator), _VERILATOR_ARGUMENTS, waves])
    return base / f"runtime-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _key(sources: Sequence[Path], simulator: str, settings: Mapping[str, object]) -> str:
    digest = hashlib.sha256(tool_version(simulator).encode())
    digest.update(json.dumps([settings, _VERILATOR_ARGUMENTS], sort_keys=True).encode())
    for path in sources:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:20]


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    return " | ".join(line.strip() for line in lines[-12:] if line.strip()) or "no output"


@contextmanager
def _changed_environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
