"""Random pairs of network and engine through golden model, simulator and RTL.

`python -m cocotb_tests.random_pairs --pairs 300 --engines 40 --seed 1` prints one line an engine
and a summary; exit code 1 if any pair differs. Finished engines are remembered per state of the
code, so that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import cocotb_tests
import hw
import model
import sim
import sparsespike
from cocotb_tests.case import Case
from cocotb_tests.cosim import CosimResult, run_cases
from cocotb_tests.pairs import FIRING_LIMITS, case_of, describe, engine_of, firing_rates
from cocotb_tests.runner import DEFAULT_BUILD_DIR, RtlBuildError, RtlRunError
from sparsespike.contract.config import EngineConfig


@dataclass(frozen=True, kw_only=True)
class PairResult:
    """One pair of network and engine.

    Attributes:
        all_fire: every layer with neurons fires within FIRING_LIMITS.
        cycles: of the RTL.
        text: the first mismatch, empty if there is none.
    """

    bit_exact: bool
    cycle_exact: bool
    all_fire: bool
    cycles: int
    text: str


def run_engine(
    engine: EngineConfig,
    cases: list[Case],
    *,
    simulator: str = "verilator",
    build_dir: Path | None = None,
) -> list[PairResult]:
    """All cases of one engine in one launch."""
    results = run_cases(cases, simulator=simulator, build_dir=build_dir)
    return [_judge(case, result) for case, result in zip(cases, results, strict=True)]


def _judge(case: Case, result: CosimResult) -> PairResult:
    low, high = FIRING_LIMITS
    rates = firing_rates(case)
    return PairResult(
        bit_exact=result.bit_exact,
        cycle_exact=result.cycle_exact,
        all_fire=all(low <= rate <= high for rate in rates.values()),
        cycles=result.rtl_cycles,
        text=result.first_mismatch,
    )


def main(arguments: list[str] | None = None) -> int:
    """Runs the pairs that the command line asks for; 0 if all are exact, else 1."""
    options = _parse(arguments)
    numbers = [options.only] if options.only is not None else list(range(options.engines))
    shares = [len(part) for part in np.array_split(np.arange(options.pairs), options.engines)]
    memory = _Memory(options.build_dir / f"random-pairs-{options.seed}.json")
    pairs: list[PairResult] = []
    failed = 0
    for number in numbers:
        started = time.perf_counter()
        engine = engine_of(options.seed, number)
        found = memory.get(number, shares[number])
        note = "remembered"
        if found is None:
            cases = [case_of(engine, options.seed, number, i) for i in range(shares[number])]
            try:
                found = run_engine(
                    engine, cases, simulator=options.simulator, build_dir=options.build_dir
                )
            except (RtlBuildError, RtlRunError) as error:
                print(f"engine {number}: {describe(engine)}: {error}", flush=True)
                failed += 1
                continue
            memory.put(number, found)
            note = f"{time.perf_counter() - started:.0f} s"
        exact = sum(pair.bit_exact and pair.cycle_exact for pair in found)
        print(
            f"engine {number}: {exact}/{len(found)} exact, {describe(engine)} ({note})", flush=True
        )
        for index, pair in enumerate(found):
            if pair.text:
                print(f"  pair {index}: {pair.text}", flush=True)
        pairs += found
    return _summary(pairs, len(numbers), failed)


def _summary(pairs: list[PairResult], engines: int, failed: int) -> int:
    bit = sum(pair.bit_exact for pair in pairs)
    cycle = sum(pair.cycle_exact for pair in pairs)
    fire = sum(pair.all_fire for pair in pairs)
    print(
        f"{len(pairs)} pairs over {engines} engines: {bit} bit-exact, {cycle} cycle-exact; in "
        f"{fire} every layer fires {FIRING_LIMITS[0]:.0%}-{FIRING_LIMITS[1]:.0%}; "
        f"{sum(pair.cycles for pair in pairs):,} RTL cycles; {failed} engines failed"
    )
    return 0 if pairs and bit == cycle == len(pairs) and not failed else 1


class _Memory:
    """Results of finished engines in a file, valid for one state of the code."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._code = _code_hash()
        stored = json.loads(path.read_text()) if path.is_file() else {}
        self._engines = stored.get("engines", {}) if stored.get("code") == self._code else {}

    def get(self, number: int, pairs: int) -> list[PairResult] | None:
        stored = self._engines.get(str(number))
        if stored is None or len(stored) != pairs:
            return None
        return [PairResult(**entry) for entry in stored]

    def put(self, number: int, results: list[PairResult]) -> None:
        self._engines[str(number)] = [asdict(result) for result in results]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps({"code": self._code, "engines": self._engines}))


def _code_hash() -> str:
    digest = hashlib.sha256()
    for package in (cocotb_tests, hw, model, sim, sparsespike):
        for path in sorted(Path(package.__path__[0]).rglob("*")):
            if path.suffix in (".py", ".sv", ".v", ".vlt"):
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, prog="python -m cocotb_tests.random_pairs"
    )
    parser.add_argument("--pairs", type=int, default=300)
    parser.add_argument("--engines", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="run this engine of the sequence alone")
    parser.add_argument("--simulator", choices=("verilator", "icarus"), default="verilator")
    parser.add_argument("--build-dir", type=Path, default=DEFAULT_BUILD_DIR)
    options = parser.parse_args(arguments)
    if options.engines < 1 or options.pairs < options.engines:
        parser.error("--pairs must be at least --engines, and --engines at least 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
