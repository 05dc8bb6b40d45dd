"""Frames a second and memory of the simulator on Spikformer-4-384, in a process of its own.

`python -m bench.simulator_speed` prints JSON. Seconds are those of the processor, one thread, so
that other work on the machine does not count.
"""

from __future__ import annotations

import json
import resource
import time

from bench.performance_points import ticket
from model import zoo
from sim import simulate
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine

COUNTS = (4, 16, 64)


def main() -> None:
    """Simulates so many of the sample images at a time."""
    program = compile_network(ticket("spikformer-4-384"), load_engine("large"))
    images = zoo.sample_images().images
    simulate(program, images[:1])  # compiles, or loads what was compiled
    rows = []
    for count in COUNTS:
        started = time.process_time()
        simulate(program, images[:count])
        seconds = time.process_time() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        rows.append({"frames": count, "seconds": seconds, "peak_gib": peak})
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
