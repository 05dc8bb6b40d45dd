"""A program for another engine that does everything at other times."""

from __future__ import annotations

from dataclasses import replace

from sparsespike.compiler.image import memory_image
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import Program
from sparsespike.contract.timing import TIMING_FIELDS


def retime(program: Program, engine: EngineConfig) -> Program:
    """What the compiler makes of the program's network for `engine`, without compiling it again.

    engine: the program's own but for `TIMING_FIELDS`; ValueError otherwise.
    """
    apart = set(TIMING_FIELDS)
    if engine.model_dump(exclude=apart) != program.engine.model_dump(exclude=apart):
        raise ValueError("engines differ in more than their timing")
    header = program.header
    image = memory_image(
        engine,
        program.layers,
        program.weight_stream().tobytes(),
        pixels=header["pixels"],
        pixel_base=header["pixel_base"],
    )
    return replace(program, engine=engine, image=image)
