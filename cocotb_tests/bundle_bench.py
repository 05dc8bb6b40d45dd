"""Writes the testbench of a bundle: stimuli of a program, and what the simulator says of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cocotb_tests.memory_image import MemoryImage, pixel_bytes
from cocotb_tests.rtl import TESTBENCH, bench_parameters
from sim.simulate import simulate
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.files import write_atomically
from sparsespike.contract.program import Program

_HERE = Path(__file__).parent
_FILES = ("run.py", "engine_bench.py", "sparsespike_host.py")
_TOOLS = ("simulators.py", "tools.py")


def write_testbench(program: Program, images: NDArray[np.uint8], directory: Path) -> list[Path]:
    """Writes README.md and testbench/ into a bundle's folder; returns the paths.

    images: uint8 (N, H, W, channels). The same program and images give the same bytes.
    """
    folder = directory / "testbench"
    folder.mkdir(parents=True, exist_ok=True)
    memory, frames = _stimuli(program, images)
    expected = {
        "program": program.hash,
        "parameters": bench_parameters(program.engine, memory.beats),
        "frames": frames,
    }
    text = json.dumps(expected, indent=1) + "\n"
    write_atomically(folder / "expected.json", text.encode())
    write_atomically(folder / "memory.hex", memory.hex_text().encode())
    sources = [_HERE / "bundle" / name for name in _FILES]
    sources += [_HERE / name for name in _TOOLS] + list(TESTBENCH)
    written = [folder / "expected.json", folder / "memory.hex"]
    for source in sources:
        shutil.copyfile(source, folder / source.name)
        written.append(folder / source.name)
    shutil.copyfile(_HERE / "bundle" / "README.md", directory / "README.md")
    return [directory / "README.md", *written]


def _stimuli(
    program: Program, images: NDArray[np.uint8]
) -> tuple[MemoryImage, list[dict[str, Any]]]:
    simulated = simulate(program, images)
    memory = MemoryImage(beat_bytes=program.engine.axi_data_bits // 8, simulator="icarus")
    address = memory.add(program.image.tobytes())
    frames = []
    for number, image in enumerate(images):
        frames.append(
            {
                "program": address,
                "image": memory.add(pixel_bytes(image)),
                "logits": memory.add(bytes(4 * program.network.classes)),
                "values": simulated.logits[number].tolist(),
                "cycles": int(simulated.cycles[number].sum()),
                "counters": [
                    dict(zip(COUNTERS, row.tolist(), strict=True))
                    for row in simulated.counters[number]
                ],
            }
        )
    return memory, frames
