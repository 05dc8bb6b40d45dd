"""Fits the resource model to synthesised engines and tests it on others: `make resources`.

Prints the error on every held-out engine; exit code 1 if they are worse than promised. Engines that
were synthesised before, from the same sources, are not again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.resource_grid import HELD_OUT, TRAINING
from hw.flow.synthesis import DEFAULT_CACHE, synthesize
from hw.flow.targets import TARGETS, find_target
from hw.generate import engine_verilog
from reports.resource_features import BLOCKS, instances
from reports.resources import FITTED, TABLE, estimate, tables
from sparsespike.contract.config import EngineConfig

ROOT = Path(__file__).parent.parent
MEAN_LIMIT, WORST_LIMIT = 0.10, 0.25
_LEAST = {"lut": 1.0, "ff": 1.0, "bram": 4.0, "dsp": 4.0}
"""Counts below this are divided by it: one block RAM more or less of two is not 50 % wrong."""


def main() -> int:
    """Synthesises what is missing, fits, writes the table, prints the errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="xc7", choices=sorted(TARGETS))
    parser.add_argument("--engines", type=int, help="synthesise at most so many now, then stop")
    parser.add_argument("--processes", type=int, default=2, help="engines at a time")
    options = parser.parse_args()
    wanted = [*TRAINING, *HELD_OUT]
    missing = [engine for engine in wanted if _measured(engine, options.target) is None]
    now = missing[: options.engines]
    with ProcessPoolExecutor(options.processes) as pool:
        measure = partial(_measure, target=options.target)
        for number, _ in enumerate(pool.map(measure, now)):
            done = len(wanted) - len(missing) + number + 1
            print(f"{done} of {len(wanted)} engines measured", flush=True)
    if len(now) < len(missing):
        return 0
    rows = [(engine, _measured(engine, options.target)) for engine in TRAINING]
    _write(options.target, _fit(rows))
    return _report(options.target)


def _report(target: str) -> int:
    tables.cache_clear()
    errors: dict[str, list[float]] = {resource: [] for resource in _LEAST}
    for engine in HELD_OUT:
        measured, guess = _measured(engine, target), estimate(engine, target)
        texts = []
        for resource, least in _LEAST.items():
            found, wanted = getattr(guess, resource), measured["total"][resource]
            errors[resource].append(abs(found - wanted) / max(least, wanted))
            texts.append(f"{resource} {found:.0f} ({wanted:.0f})")
        size = f"{engine.clusters} x {engine.lanes} C={engine.chunk} T={engine.time_steps}"
        print(f"{size}: {', '.join(texts)}")
    failed = 0
    for resource, values in errors.items():
        mean, worst = float(np.mean(values)), max(values)
        failed += mean > MEAN_LIMIT or worst > WORST_LIMIT
        print(f"{target} {resource}: mean error {mean:.1%}, worst {worst:.1%} of {len(values)}")
    return 1 if failed else 0


def _measure(engine: EngineConfig, target: str) -> None:
    result = synthesize(engine_verilog(engine), find_target(target))
    content = {
        "config": engine.model_dump(),
        "total": vars(result.total),
        "blocks": {
            block.name: {
                name: vars(block.total)[name] - vars(block.memories)[name] for name in FITTED
            }
            for block in result.blocks
        },
    }
    _path(engine, target).write_text(json.dumps(content))


def _measured(engine: EngineConfig, target: str) -> Any:
    path = _path(engine, target)
    return json.loads(path.read_text()) if path.is_file() else None


def _path(engine: EngineConfig, target: str) -> Path:
    folder = DEFAULT_CACHE / f"grid-{target}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{engine.hash[:16]}-{_rtl()}.json"


@cache
def _rtl() -> str:
    """Hash of what the RTL is made from, so that nothing of another state is fitted."""
    sources = [*(ROOT / "hw").glob("*.*"), *(ROOT / "sparsespike" / "contract").rglob("*.py")]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()[:8]


def _fit(rows: Iterable[tuple[EngineConfig, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    """Weights of every block and resource: least squares of relative errors, none below 0."""
    table: dict[str, dict[str, dict[str, float]]] = {}
    rows = list(rows)
    for block, columns in BLOCKS.items():
        table[block] = {}
        for resource in FITTED:
            names, lines, values = [], [], []
            for engine, measured in rows:
                times = instances(block, engine)
                found = columns(engine)
                names = list(found)
                lines.append([times * found[name] for name in names])
                values.append(measured["blocks"].get(block, {}).get(resource, 0.0))
            weights = non_negative_least_squares(np.array(lines, float), np.array(values, float))
            table[block][resource] = {
                name: round(float(weight), 4)
                for name, weight in zip(names, weights, strict=True)
                if weight > 1e-6
            }
    return table


def non_negative_least_squares(
    columns: NDArray[np.float64], values: NDArray[np.float64], rounds: int = 4000
) -> NDArray[np.float64]:
    """Weights >= 0 that fit `values` with the least sum of squared relative errors.

    Coordinate descent; the problem is convex, so that the order does not matter.
    """
    scale = np.maximum(values, max(1.0, 0.05 * values.max()))
    matrix, wanted = columns / scale[:, None], values / scale
    norms = (matrix**2).sum(0)
    weights = np.zeros(matrix.shape[1])
    rest = wanted.copy()
    for _ in range(rounds):
        for index in np.flatnonzero(norms):
            old = weights[index]
            weights[index] = max(0.0, old + matrix[:, index] @ rest / norms[index])
            rest -= matrix[:, index] * (weights[index] - old)
    return weights


def _write(target: str, fitted: dict[str, dict[str, dict[str, float]]]) -> None:
    content = {name: dict(table) for name, table in tables().items()}
    content.setdefault(target, {})
    content[target] = {"memory": content[target].get("memory", {}), **fitted}
    lines = ["# Weights of the resource model (reports/resources.py), written by `make resources`."]
    for name, table in sorted(content.items()):
        for block, entries in table.items():
            lines += ["", f"[{name}.{block}]"]
            lines += [f"{key} = {_toml(value)}" for key, value in entries.items()]
    TABLE.write_text("\n".join(lines) + "\n")


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {v}" for k, v in value.items()) + " }" if value else "{}"
    return json.dumps(value)


if __name__ == "__main__":
    sys.exit(main())
