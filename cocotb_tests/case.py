"""A program with its images, and what golden model and simulator say before any RTL runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cocotb_tests.launch import Frame
from cocotb_tests.memory_image import MemoryImage, pixel_bytes
from model.integer import GoldenTrace, golden_forward
from sim.result import SimulationResult
from sim.simulate import simulate
from sparsespike.contract.network import IntegerNetwork
from sparsespike.contract.program import Program


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is compared.

    Attributes:
        images: uint8 (N, H, W, channels).
        frames: one an image, once `place_frames` has given them addresses.
    """

    program: Program
    images: NDArray[np.uint8]
    golden: GoldenTrace
    simulated: SimulationResult
    frames: list[Frame] = field(default_factory=list)

    def pick(self, order: list[int]) -> Case:
        """The images `order`, in that order, with what is expected of them."""

        def chosen(values: dict[str, NDArray[Any]] | None) -> dict[str, NDArray[Any]]:
            return {name: value[order] for name, value in (values or {}).items()}

        golden, simulated = self.golden, self.simulated
        return Case(
            program=self.program,
            images=self.images[order],
            golden=replace(golden, layers=chosen(golden.layers), kept=chosen(golden.kept)),
            simulated=replace(
                simulated,
                cycles=simulated.cycles[order],
                counters=simulated.counters[order],
                logits=simulated.logits[order],
                kept=chosen(simulated.kept),
                scores=chosen(simulated.scores),
                tensors=chosen(simulated.tensors),
            ),
        )


def prepare(network: IntegerNetwork, program: Program, images: NDArray[np.uint8]) -> Case:
    """A case: golden model and simulator run here."""
    return Case(
        program=program,
        images=images,
        golden=golden_forward(network, images),
        simulated=simulate(program, images, keep_tensors=True),
    )


def place_frames(memory: MemoryImage, case: Case, program_image: bytes | None = None) -> None:
    """Adds program, images and room for logits to `memory`; makes the case's frames anew.

    program_image: bytes to place instead of the program's own.
    """
    program = case.program
    program_address = memory.add(program_image or program.image.tobytes())
    del case.frames[:]
    for image, cycles in zip(case.images, case.simulated.cycles.sum(1), strict=True):
        case.frames.append(
            Frame(
                program_address=program_address,
                input_address=memory.add(pixel_bytes(image)),
                output_address=memory.add(bytes(4 * program.network.classes)),
                layers=len(program.layers),
                limit_cycles=2 * int(cycles) + 10_000,
            )
        )


def save_expected(case: Case, path: Path) -> None:
    """Writes the simulator's counters and logits, so that they stand in a file before the RTL's."""
    np.savez_compressed(path, counters=case.simulated.counters, logits=case.simulated.logits)
