"""Writes the host folder of a board: program, images, what the simulator expects, host program."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cocotb_tests.memory_image import pixel_bytes
from hw import register_map
from hw.board.top import REGISTERS_BASE
from sim.simulate import simulate
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.derived import PAGE_BYTES
from sparsespike.contract.errors import ContractError
from sparsespike.contract.files import write_atomically
from sparsespike.contract.program import Program

_HERE = Path(__file__).parent
_FILES = ("board/run_board.py", "board/uart_bus.py", "bundle/sparsespike_host.py")


def memory_layout(program: Program, images: NDArray[np.uint8], memory_bytes: int) -> dict[str, int]:
    """Addresses of program, image and logits, pages of their own. Raises ContractError."""
    sizes = {
        "program": program.image.nbytes,
        "image": len(pixel_bytes(images[0])),
        "logits": 4 * program.network.classes,
    }
    addresses, end = {}, 0
    for name, size in sizes.items():
        addresses[name] = end
        end += -(-size // PAGE_BYTES) * PAGE_BYTES
    if end > memory_bytes:
        raise ContractError(
            f"--memory {memory_bytes}: program, image and logits take {end} bytes: "
            f"give {1 << (end - 1).bit_length()}, or choose a smaller network"
        )
    return addresses


def write_host(
    program: Program,
    images: NDArray[np.uint8],
    folder: Path,
    *,
    memory_bytes: int,
    baud: int,
    divisor: int,
) -> list[Path]:
    """Writes all that `run_board.py` needs into `folder`; returns the paths.

    images: uint8 (N, H, W, channels). The same arguments give the same bytes.
    Raises ContractError if the board's memory is too small.
    """
    addresses = memory_layout(program, images, memory_bytes)
    simulated = simulate(program, images)
    files = {
        "program.bin": program.image.tobytes(),
        "registers.json": register_map.as_json(program.engine).encode(),
    }
    frames = []
    for number, image in enumerate(images):
        name = f"image-{number}.bin"
        files[name] = pixel_bytes(image)
        frames.append(
            {
                "image": name,
                "logits": simulated.logits[number].tolist(),
                "cycles": int(simulated.cycles[number].sum()),
                "counters": [
                    dict(zip(COUNTERS, row.tolist(), strict=True))
                    for row in simulated.counters[number]
                ],
            }
        )
    expected = {
        "program": program.hash,
        "baud": baud,
        "divisor": divisor,
        "registers_base": REGISTERS_BASE,
        "addresses": addresses,
        "frames": frames,
    }
    files["expected.json"] = (json.dumps(expected, indent=1) + "\n").encode()
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_atomically(folder / name, content)
    for name in _FILES:
        shutil.copyfile(_HERE / name, folder / Path(name).name)
    return [folder / name for name in (*files, *(Path(name).name for name in _FILES))]
