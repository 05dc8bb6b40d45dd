"""LUTs, flip-flops, block RAMs and multipliers of any engine, in microseconds: a fitted model."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from reports.engine_memories import EngineMemory, engine_memories
from reports.resource_features import BLOCKS, instances
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError

TABLE = Path(__file__).parent / "resources.toml"
FITTED = ("lut", "ff", "dsp")
"""Resources of the logic: weighed sums of columns."""
MEMORY = ("lut", "ff", "bram")
"""Resources of the memories: what their widths and depths are cut into."""


@dataclass(frozen=True)
class Resources:
    """What an engine takes, in the units of the target (see `sparsespike synth`)."""

    lut: float
    ff: float
    bram: float
    dsp: float


def estimate(config: EngineConfig, target: str = "xc7") -> Resources:
    """Resources of `config` on `target`. Raises ContractError where nothing was fitted: it names

    the targets that were; engines with serial lanes were not.

    Fitted to synthesised engines by `make resources`; docs/fpga.md has its errors.
    """
    table = tables().get(target)
    if table is None:
        known = ", ".join(tables())
        raise ContractError(f"target '{target}' has no resource model: choose one of {known}")
    if config.lane_kind != "matching":
        raise ContractError(
            f"lane_kind = {config.lane_kind} has no resource model: choose matching, "
            f"or synthesise the engine (sparsespike synth --target {target})"
        )
    sums = {
        resource: sum(
            instances(block, config) * block_cost(config, block, table[block][resource])
            for block in BLOCKS
        )
        for resource in FITTED
    }
    for memory in engine_memories(config):
        cost = memory_cost(memory, table["memory"])
        for resource in MEMORY:
            sums[resource] = sums.get(resource, 0.0) + memory.copies * cost[resource]
    return Resources(lut=sums["lut"], ff=sums["ff"], bram=sums["bram"], dsp=sums["dsp"])


def block_cost(config: EngineConfig, block: str, weights: Mapping[str, float]) -> float:
    """One resource of one instance of a block."""
    columns = BLOCKS[block](config)
    return sum(weight * columns[name] for name, weight in weights.items())


def memory_cost(memory: EngineMemory, kind: Mapping[str, Any]) -> dict[str, float]:
    """LUTs, flip-flops and block RAMs of one memory, by the rule that Yosys was seen to follow.

    `luts` and `blocks` list the (width, depth, cost) that a memory can be cut into. One that is not
    deeper than `lut_depth`, has `lut_bits` at most, or is not registered, stands in LUTs, its
    output register apart.
    """
    in_luts = memory.depth <= kind["lut_depth"] or not memory.registered
    in_luts |= memory.width * memory.depth <= kind["lut_bits"]
    if in_luts and memory.narrow > 1:
        # A part of a word at a time, and a multiplexer of them: three LUTs for eight.
        memory = replace(memory, parts=memory.narrow)
    kept = memory.width // memory.narrow
    cost = min(
        _columns(memory, shape[0], kind) * -(-memory.depth // shape[1]) * shape[2]
        for shape in kind["luts" if in_luts else "blocks"]
    )
    return {
        "lut": cost + kept * (memory.narrow * 3 // 8) if in_luts else 0.0,
        "ff": float(kept) if in_luts and memory.registered else 0.0,
        "bram": 0.0 if in_luts else cost,
    }


def _columns(memory: EngineMemory, width: int, kind: Mapping[str, Any]) -> int:
    """Memories of `width` bits side by side.

    Parts of a word share a block RAM that has a write enable for every `enable_bits` of it.
    """
    part, enable = memory.width // memory.parts, int(kind["enable_bits"])
    if memory.parts == 1 or width < enable:
        return memory.parts * -(-part // width)
    return -(-memory.parts * -(-part // enable) // (width // enable))


@cache
def tables() -> Mapping[str, Any]:
    """Target -> block -> resource -> column -> weight, as fitted."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))
