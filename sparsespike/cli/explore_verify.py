"""Points of the front checked again: the RTL in Verilator against simulator and integer model."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.explore.point import Point
from reports.explore.results import Exploration
from reports.explore.store import Store
from sparsespike.compiler import compile_network
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerNetwork

_CYCLES = COUNTERS.index("cycles")


def verify_front(
    found: Exploration,
    count: int,
    *,
    network: Callable[[Point], IntegerNetwork],
    images: NDArray[np.uint8],
    store: Store,
    build_dir: Path,
) -> list[dict[str, Any]]:
    """Checks `count` points of the front on the first image; those checked before are not again.

    They are the best point and others spread evenly over the front, from few LUTs to many. A check
    holds if the RTL is bit- and cycle-exact and its cycles are those on record.
    """
    checks = []
    for index in chosen_rows(found, count):
        key = found.table["key"].iloc[index]
        record = store.check(key)
        if record is None:
            point = found.points[index]
            outcome = store.outcome(key)
            assert outcome is not None
            result = _check(network(point), point, images[:1], build_dir)
            result["cycles_recorded"] = outcome.counters[0][_CYCLES]
            record = json.dumps(result)
            store.put_check(key, record)
        check = json.loads(record)
        agrees = check["cycles_rtl"] == check["cycles_recorded"]
        exact = check["bit_exact"] and check["cycle_exact"] and agrees
        checks.append({"point": int(found.table["point"].iloc[index]), "exact": exact, **check})
    return checks


def chosen_rows(found: Exploration, count: int) -> list[int]:
    """Rows of the table to check: the best, then evenly spread over the front by LUT."""
    front = found.table[found.table["pareto"]].sort_values(["lut", "point"]).index.tolist()
    if not front:
        return []
    spread = [front[round(i)] for i in np.linspace(0, len(front) - 1, count)]
    first = [index for index in front if index == found.best]
    return list(dict.fromkeys([*first, *spread, *front]))[:count]


def _check(
    network: IntegerNetwork, point: Point, images: NDArray[np.uint8], build_dir: Path
) -> dict[str, Any]:
    from cocotb_tests.cosim import run_cosim
    from cocotb_tests.tools import ToolMissingError

    program = compile_network(network, point.config())
    try:
        run = run_cosim(network, program, images, simulator="verilator", build_dir=build_dir)
    except ToolMissingError as error:
        raise ContractError(f"{error} (see `sparsespike doctor`)") from error
    return {
        "bit_exact": bool(run.bit_exact),
        "cycle_exact": bool(run.cycle_exact),
        "cycles_rtl": int(run.rtl_cycles),
        "build_seconds": round(float(run.rtl_build_seconds), 1),
        "run_seconds": round(float(run.rtl_wall_seconds), 1),
        "first_mismatch": run.first_mismatch,
    }
