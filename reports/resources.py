"""LUTs, flip-flops, block RAMs and multipliers of any engine, in microseconds: a fitted model."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from reports.engine_memories import EngineMemory, engine_memories
from reports.resource_features import BLOCKS, instances
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError

TABLE = Path(__file__).parent / "resources.toml"
FITTED = ("lut", "ff", "dsp")
"""Resources that are weighed sums of columns; block RAMs follow from the memories."""


@dataclass(frozen=True)
class Resources:
    """What an engine takes, in the units of the target (see `sparsespike synth`)."""

    lut: float
    ff: float
    bram: float
    dsp: float


def estimate(config: EngineConfig, target: str = "xc7") -> Resources:
    """Resources of `config` on `target`; ContractError names the targets that were fitted.

    Fitted to synthesised engines by `make resources`; docs/fpga.md has its errors.
    """
    table = tables().get(target)
    if table is None:
        known = ", ".join(tables())
        raise ContractError(f"target '{target}' has no resource model: choose one of {known}")
    sums = {
        resource: sum(
            instances(block, config) * block_cost(config, block, table[block][resource])
            for block in BLOCKS
        )
        for resource in FITTED
    }
    bram = sum(
        memory.copies * memory_blocks(memory, table["memory"]) for memory in engine_memories(config)
    )
    return Resources(lut=sums["lut"], ff=sums["ff"], bram=bram, dsp=sums["dsp"])


def block_cost(config: EngineConfig, block: str, weights: Mapping[str, float]) -> float:
    """One resource of one instance of a block."""
    columns = BLOCKS[block](config)
    return sum(weight * columns[name] for name, weight in weights.items())


def memory_blocks(memory: EngineMemory, kind: Mapping[str, Any]) -> float:
    """Block RAMs of one memory: `shapes` are the (width, depth, share of a block) it can take.

    A memory below `least_bits` or `least_depth` stands in LUTs.
    """
    if memory.depth < kind["least_depth"] or memory.width * memory.depth < kind["least_bits"]:
        return 0.0
    width = memory.width // memory.parts
    choices = (
        -(-width // shape[0]) * -(-memory.depth // shape[1]) * shape[2] for shape in kind["shapes"]
    )
    return float(memory.parts * min(choices))


@cache
def tables() -> Mapping[str, Any]:
    """Target -> block -> resource -> column -> weight, as fitted."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))
