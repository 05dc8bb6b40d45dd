"""Two splits of the same run's energy: by the counters, and by what the RTL's nets did.

By nets, energy has two parts. *Memories*: bits that their ports read and wrote, as wide as the
memory's word, at the price that the energy table gives a bit of that kind of memory. *Logic*: every
change of a bit that a register or an operator drives, at the price of a bit of an adder's output:
an addition of random words changes half of the bits of its sum, so that a change costs two bits of
an addition. That is an upper bound for the gates and wires that are simpler than an adder.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pandas as pd

from cocotb_tests.activity import ENGINE, Measured, MemoryPorts
from reports.components import CLOCK, COMPONENT_ORDER, COMPONENTS, LEAKAGE, OTHER
from reports.energy import energy
from reports.technology import Technology
from sparsespike.contract.config import EngineConfig

ACTIVATIONS, WEIGHTS, QUEUES, ADDERS, ATTENTION = list(COMPONENTS)[1:]


class Block(NamedTuple):
    """A part of the engine: the instances whose path, below the core, fits; the first one wins.

    read, write: entries of the energy table that price a bit of its memories; no `read` where the
    price of a written bit includes reading it.
    """

    name: str
    component: str
    scope: str
    read: str = "mask_words_read"
    write: str = "mask_words_read"


_BODY = r"cluster_\d+/body"
BLOCKS = (
    Block("activation copies of the clusters", ACTIVATIONS, rf"{_BODY}/broadcaster/store",
          "chunks_scanned", "rows_written"),
    Block("broadcasters", QUEUES, rf"{_BODY}/broadcaster"),
    Block("queues", QUEUES, rf"{_BODY}/lane_\d+/queue", "", "queue_entries"),
    Block("mask and weight memories", WEIGHTS, rf"{_BODY}/lane_\d+/memory", "weights_read",
          "weights_read"),
    Block("lanes", ADDERS, rf"{_BODY}/lane_\d+"),
    Block("tile control, constants", WEIGHTS, rf"{_BODY}/tiles"),
    Block("neuron units", ADDERS, rf"{_BODY}/neuron"),
    Block("attention units", ATTENTION, rf"{_BODY}/attention"),
    Block("cluster wiring and counters", OTHER, r"cluster_\d+"),
    Block("write-back", ACTIVATIONS, "write_back", "rows_updated", "rows_written"),
    Block("weight loader", WEIGHTS, "front/weights"),
    Block("token selector", ATTENTION, r"(scores|top_k|tokens)[^/]*"),
    Block("reader, descriptors, pixels", OTHER, "front"),
    Block("counters", OTHER, "counters"),
    Block("sequencer, registers, the rest", OTHER, ".*"),
)  # fmt: skip
"""Every instance of the engine is in one of these."""


def block_of(scope: str) -> Block:
    """The block that the instance at path `scope` of the simulation belongs to."""
    below = scope.removeprefix(ENGINE).removeprefix("/core").removeprefix("/")
    return next(block for block in BLOCKS if re.fullmatch(rf"(?:{block.scope})(?:/.*)?", below))


def block_table(measured: Measured, technology: Technology) -> pd.DataFrame:
    """One row per block and what it did; energies in picojoules, `memory_pj` and `logic_pj`.

    registers: bits of them; bits_read, bits_written: through the ports of memories; changes: of
    bits that registers or operators drive, memories apart.
    """
    rows = {block.name: _empty(block) for block in BLOCKS}
    for memory in measured.memories:
        block = block_of(memory.scope)
        row = rows[block.name]
        read, written = _bits_read(memory), memory.bits_written
        row["bits_read"] += read
        row["bits_written"] += written
        row["memory_pj"] += read * _bit(technology, block.read) if block.read else 0.0
        row["memory_pj"] += written * _bit(technology, block.write)
    memories = {memory.scope for memory in measured.memories}
    change = 2 * _bit(technology, "additions")
    for nets in measured.toggles:
        row = rows[block_of(nets.scope).name]
        if nets.scope in memories:
            continue
        row["registers"] += nets.bits if nets.driver == "register" else 0
        row["changes"] += nets.toggles
        row["logic_pj"] += nets.toggles * change
    return pd.DataFrame(rows.values())


def component_table(
    measured: Measured, blocks: pd.DataFrame, *, engine: EngineConfig, technology: Technology
) -> pd.DataFrame:
    """component, counters_pj, nets_pj, memory_pj, logic_pj, counters_share, nets_share.

    Dynamic energy on the chip: external memory, clock and leakage are in neither split.
    """
    counts = pd.DataFrame(
        [("all", name, count) for name, count in measured.counters.items()],
        columns=["layer", "counter", "count"],
    )
    priced = energy(counts, engine=engine, technology=technology)
    counted = priced.groupby("component")["energy_pj"].sum()
    nets = blocks.groupby("component")[["memory_pj", "logic_pj"]].sum()
    names = [name for name in COMPONENT_ORDER[1:] if name not in (CLOCK, LEAKAGE)]
    table = nets.reindex(names, fill_value=0.0).rename_axis("component").reset_index()
    table.insert(1, "counters_pj", [float(counted.get(name, 0.0)) for name in names])
    table["nets_pj"] = table["memory_pj"] + table["logic_pj"]
    for side in ("counters", "nets"):
        table[f"{side}_share"] = table[f"{side}_pj"] / table[f"{side}_pj"].sum()
    return table


def _empty(block: Block) -> dict[str, Any]:
    sums = dict.fromkeys(("registers", "bits_read", "bits_written", "changes"), 0)
    return {"block": block.name, "component": block.component, **sums,
            "memory_pj": 0.0, "logic_pj": 0.0}  # fmt: skip


def _bits_read(memory: MemoryPorts) -> int:
    """An unregistered port is read once for each word written: what a queue does."""
    return memory.bits_written if memory.reads is None else memory.reads * memory.width


def _bit(technology: Technology, entry: str) -> float:
    return technology.events[entry].picojoule_for(1)
