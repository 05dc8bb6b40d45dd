"""Figures written before any RTL runs, and compared with the RTL afterwards.

`python -m cocotb_tests.predictions write FILE` simulates random pairs on engines with memory
latencies, beat intervals and queue depths outside the ranges that the tests draw from. It needs
neither `hw` nor an RTL simulator. `... check FILE` then runs the same pairs on the RTL; exit code 1
if any cycle, counter or logit differs from the file.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from cocotb_tests.case import Case
from cocotb_tests.pairs import case_of, describe
from cocotb_tests.random_engines import random_engine
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.files import write_atomically

LATENCIES, INTERVALS, DEPTHS = (61, 251), (4, 7), (9, 25)
"""First and one past the last value of memory_latency, memory_interval and fifo_depth."""


def unseen_engine(seed: int, number: int) -> EngineConfig:
    """Random engine `number` with a memory and queues that no test uses."""
    generator = np.random.default_rng([seed, number])
    fields = random_engine(generator).model_dump()
    return EngineConfig(
        **fields
        | {
            "memory_latency": int(generator.integers(*LATENCIES)),
            "memory_interval": int(generator.integers(*INTERVALS)),
            "fifo_depth": int(generator.integers(*DEPTHS)),
        }
    )


def write(path: Path, *, engines: int, pairs: int, seed: int) -> int:
    """Simulates `pairs` networks on each of `engines` engines; one JSON file."""
    content: dict[str, Any] = {"seed": seed, "counters": list(COUNTERS), "engines": []}
    for number in range(engines):
        engine = unseen_engine(seed, number)
        cases = [case_of(engine, seed, number, pair) for pair in range(pairs)]
        content["engines"].append({"hash": engine.hash, "pairs": [_figures(c) for c in cases]})
        cycles = [int(case.simulated.cycles.sum()) for case in cases]
        print(f"engine {number}: {describe(engine)}: {cycles} cycles", flush=True)
    write_atomically(path, json.dumps(content).encode())
    return 0


def check(path: Path, *, build_dir: Path | None) -> int:
    """Runs the file's pairs on the RTL; 0 if every figure is as predicted."""
    # here, since writing must work without what these import
    from cocotb_tests.engine_run import run_frames
    from cocotb_tests.observe import observe

    content = json.loads(path.read_text())
    wrong = checked = 0
    for number, expected in enumerate(content["engines"]):
        engine = unseen_engine(content["seed"], number)
        count = len(expected["pairs"])
        cases = [case_of(engine, content["seed"], number, pair) for pair in range(count)]
        run = run_frames(cases, build_dir=build_dir)
        found = [
            {
                "program": case.program.hash,
                "counters": [frame.counters for frame in frames],
                "logits": [observe(case.program, f.trace).logits.tolist() for f in frames],
            }
            for case, frames in zip(cases, run.frames, strict=True)
        ]
        same = [pair == seen for pair, seen in zip(expected["pairs"], found, strict=True)]
        checked, wrong = checked + count, wrong + same.count(False)
        print(f"engine {number}: {sum(same)}/{count} as predicted, {describe(engine)}", flush=True)
    print(f"{checked - wrong} of {checked} pairs as predicted, every cycle, counter and logit")
    return 0 if checked and not wrong else 1


def _figures(case: Case) -> dict[str, Any]:
    return {
        "program": case.program.hash,
        "counters": case.simulated.counters.tolist(),
        "logits": case.simulated.logits.tolist(),
    }


def main(arguments: list[str] | None = None) -> int:
    """Writes or checks predictions."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m cocotb_tests.predictions")
    parser.add_argument("action", choices=("write", "check"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--engines", type=int, default=4)
    parser.add_argument("--pairs", type=int, default=4, help="networks on each engine")
    parser.add_argument("--seed", type=int, default=2024)
    parser.add_argument("--build-dir", type=Path)
    options = parser.parse_args(arguments)
    if options.action == "check":
        return check(options.file, build_dir=options.build_dir)
    return write(options.file, engines=options.engines, pairs=options.pairs, seed=options.seed)


if __name__ == "__main__":
    sys.exit(main())
