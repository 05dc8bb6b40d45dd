"""Devices to build for, and how many of their resources an engine takes."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from reports.resources import Resources, estimate, tables
from sparsespike.contract.config import EngineConfig, load_engine

_MODEL = "xc7"
_ALIKE = {"xcup": _MODEL}
"""Families with the same LUTs (6 inputs) and block RAMs (36 kbit) as one that has a model."""


class Device(NamedTuple):
    """A device, its size by its data sheet, and the target of `sparsespike synth`."""

    name: str
    target: str
    lut: int
    bram: int
    source: str


DEVICES = (
    Device("ECP5-85F", "ecp5-85k", 83_640, 208, "LUT4, blocks of 18 kbit; FPGA-DS-02012"),
    Device("Artix-7 200T", "xc7", 133_800, 365, "LUT6, blocks of 36 kbit; DS180"),
    Device("KV260 (XCK26)", "xcup", 117_120, 144, "LUT6, blocks of 36 kbit; DS987"),
)


class Scale(NamedTuple):
    """Resources on a target: those of the model for another one, times factors."""

    model: str
    lut: float
    bram: float

    def size(self, engine: EngineConfig) -> Resources:
        """LUTs and block RAMs of `engine`; flip-flops and multipliers are the model's own."""
        own = estimate(engine, self.model)
        return Resources(self.lut * own.lut, own.ff, self.bram * own.bram, own.dsp)


def scales(syntheses: Iterable[Path]) -> Mapping[str, Scale]:
    """What is known of each device's target; nothing of a target without model and synthesis.

    syntheses: JSON files of `sparsespike synth --engine small`, whose figures over those of the
    model are the factors. Raises ValueError for one of another engine.
    """
    found = {target: Scale(target, 1, 1) for target in tables()}
    found |= {target: Scale(like, 1, 1) for target, like in _ALIKE.items() if target not in found}
    small = load_engine("small")
    own = estimate(small, _MODEL)
    for path in syntheses:
        measured = json.loads(path.read_text())
        if measured["meta"]["config_hash"] != small.hash:
            raise ValueError(f"{path}: not a synthesis of engine small: run synth again")
        if measured["target"] not in tables():
            lut, bram = measured["lut"] / own.lut, measured["bram"] / own.bram
            found[measured["target"]] = Scale(_MODEL, lut, bram)
    return found


def scale_notes(known: Mapping[str, Scale]) -> list[str]:
    """How each device's figures were come by, where its target has no model of its own."""
    notes = []
    for device in DEVICES:
        scale = known.get(device.target)
        if scale is None:
            notes.append(
                f"{device.name}: `{device.target}` has no model, and no synthesis of `small` was "
                "given: nothing is known."
            )
        elif scale.model != device.target:
            how = (
                f"engine `small`, synthesised for both, takes {scale.lut:.2f} times the LUTs and "
                f"{scale.bram:.2f} times the block RAMs"
                if (scale.lut, scale.bram) != (1, 1)
                else "LUTs and block RAMs are of the same kind"
            )
            notes.append(f"{device.name}: figures of the model for `{scale.model}`; {how}.")
    return notes
