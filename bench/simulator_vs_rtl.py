"""How much faster the simulator is than the RTL in Verilator, for the same image and result.

`python -m bench.simulator_vs_rtl` runs `nano` on `small`; both run on one thread, and both give
every spike, cycle and counter. Seconds are those of the processor, so that other work on the
machine does not count; the RTL's run from start to interrupt: neither build nor launch are counted,
nor is the simulator's compilation. Exit code 1 if the two disagree or the simulator is not
`--target` times faster. The larger an engine, the slower its RTL runs: `python -m bench.performance
--rtl spikformer-4-384` compares the two at full size.
"""

from __future__ import annotations

import argparse
import sys
import time

from cocotb_tests.cosim import run_cosim
from model.zoo import load_integer, sample_images
from sim.simulate import simulate
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine


def main(arguments: list[str] | None = None) -> int:
    """Measures and prints; 0 if the simulator is exact and fast enough, else 1."""
    options = _parse(arguments)
    network = load_integer(options.network)
    program = compile_network(network, load_engine(options.engine))
    images = sample_images().images
    result = run_cosim(network, program, images[: options.images])
    began = time.process_time()
    simulate(program, images[: options.simulated])
    own = (time.process_time() - began) / options.simulated
    rtl = result.rtl_cpu_seconds / options.images
    cycles = result.rtl_cycles / options.images
    exact = result.bit_exact and result.cycle_exact
    print(f"{options.network} on {options.engine}, {cycles:,.0f} cycles an image")
    print(f"RTL (Verilator)  {rtl:10.4f} s an image  {cycles / rtl:14,.0f} cycles/s", end="")
    print(f"  (build {result.rtl_build_seconds:.0f} s)")
    print(f"simulator        {own:10.4f} s an image  {cycles / own:14,.0f} cycles/s")
    print(f"ratio            {rtl / own:10.0f} x")
    print("both agree in every value, cycle and counter" if exact else result.first_mismatch)
    return 0 if exact and rtl / own >= options.target else 1


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.simulator_vs_rtl")
    parser.add_argument("--network", default="nano")
    parser.add_argument("--engine", default="small")
    parser.add_argument("--images", type=int, default=4, help="images through the RTL")
    parser.add_argument("--simulated", type=int, default=128, help="images that time the simulator")
    parser.add_argument("--target", type=float, default=0.0, help="ratio to reach")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
