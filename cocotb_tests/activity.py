"""What the RTL's nets did in a run, beside what its counters say.

A memory's port enables tell how often it was accessed, however the counters see it; where a counter
counts just that, the two are equal, and `RELATIONS` lists where.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cocotb_tests.benches.network import PERIOD_NS
from cocotb_tests.case import Case
from cocotb_tests.engine_run import run_frames
from cocotb_tests.netlist import Driver, instance_modules, read_netlist
from cocotb_tests.rtl import TOP, engine_verilog
from cocotb_tests.runner import wave_path
from cocotb_tests.saif import Activity, read_saif
from hw import generate
from sparsespike.contract.counters import COUNTERS

ENGINE = f"{TOP}/engine"
PERIOD = PERIOD_NS * 1000
"""A cycle in the SAIF file's unit, picoseconds."""
_MEMORIES = (
    "sparsespike_memory",
    "sparsespike_memory_no_collisions",
    "sparsespike_narrow_memory",
    "sparsespike_register_file",
)
_CLUSTER = f"{ENGINE}/core/cluster_\\d+/body"


@dataclass(frozen=True)
class Relation:
    """Counters whose sum is the number of cycles in which a net was high, over the instances.

    A net of several bits counts as the number that it holds.
    """

    counters: tuple[str, ...]
    scope: str
    net: str
    means: str


RELATIONS = (
    Relation(("weights_read",), f"{_CLUSTER}/lane_\\d+/memory/weight_memory/memory", "read_enable",
             "reads of the weight memories"),
    Relation(("queue_entries",), f"{_CLUSTER}/lane_\\d+/queue/store", "write_enable",
             "writes of the queues' memories"),
    Relation(("additions",), f"{_CLUSTER}/lane_\\d+/lane", "additions",
             "adders at work, over lanes and cycles"),
    Relation(("chunks_scanned", "attention_words_read"),
             f"{_CLUSTER}/broadcaster/store/(spike|count)_memory/memory(_1)?", "read_enable",
             "reads of the clusters' activation memories"),
    Relation(("rows_updated",),
             f"{ENGINE}/core/write_back/combine/(spike|count)_copy_0/memory(_1)?", "read_enable",
             "reads of the write-back unit's activation memories"),
    Relation(("dma_read_beats",), f"{ENGINE}/core/front/reader", "received",
             "beats that the reader took"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MemoryPorts:
    """Accesses of one memory: bits of a word, reads (None: unregistered port), bits written."""

    scope: str
    width: int
    reads: int | None
    bits_written: int


@dataclass(frozen=True, kw_only=True)
class Toggles:
    """Nets of one instance that registers, or logic, drive: their bits and all their changes."""

    scope: str
    driver: Driver
    bits: int
    toggles: int


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run.

    Attributes:
        modules: path of every instance of the engine -> its module.
        counters: the RTL's own totals over layers and images.
        cycles: from start to interrupt, all images.
    """

    activity: Activity
    modules: dict[str, str]
    counters: dict[str, int]
    cycles: int
    memories: tuple[MemoryPorts, ...]
    toggles: tuple[Toggles, ...]

    def high_cycles(self, relation: Relation) -> int:
        """The relation's side of the nets. Raises ValueError if no instance fits."""
        scopes = [path for path in self.modules if re.fullmatch(relation.scope, path)]
        if not scopes:
            raise ValueError(f"no instance is named {relation.scope}")
        cycles = (self.activity.high_cycles(path, relation.net, period=PERIOD) for path in scopes)
        return sum(cycles)

    def counted(self, relation: Relation) -> int:
        """The relation's side of the counters."""
        return sum(self.counters[name] for name in relation.counters)


def measure(case: Case, *, build_dir: Path | None = None) -> Measured:
    """Runs the case on the RTL in Verilator and reads its activity.

    Raises RtlBuildError, RtlRunError, ToolMissingError.
    """
    engine = case.program.engine
    run = run_frames([case], activity=True, build_dir=build_dir)
    activity = read_saif(wave_path(run.build, run.run_dir))
    text = "\n".join(path.read_text() for path in engine_verilog(engine, build_dir=build_dir))
    netlist = read_netlist(text)
    modules = instance_modules(netlist, generate.TOP, ENGINE)
    frames = run.frames[0]
    counters = {
        name: sum(row[place] for frame in frames for row in frame.counters)
        for place, name in enumerate(COUNTERS)
    }
    driven = {path: netlist[module].driven for path, module in modules.items()}
    return Measured(
        activity=activity,
        modules=modules,
        counters=counters,
        cycles=sum(frame.trace.irq_cycle for frame in frames),
        memories=tuple(_memories(activity, modules)),
        toggles=tuple(_toggles(activity, driven)),
    )


def _memories(activity: Activity, modules: dict[str, str]) -> Iterator[MemoryPorts]:
    for path, module in modules.items():
        if module not in _MEMORIES:
            continue
        nets = activity.scopes[path]
        width, units = (len(nets[name].high) for name in ("read_data", "write_enable"))
        enabled = sum(high // PERIOD for high in nets["write_enable"].high)
        reads = activity.high_cycles(path, "read_enable", period=PERIOD) if (
            "read_enable" in nets
        ) else None  # fmt: skip
        written = enabled * (len(nets["write_data"].high) // units)
        yield MemoryPorts(scope=path, width=width, reads=reads, bits_written=written)


def _toggles(activity: Activity, driven: dict[str, dict[str, Driver]]) -> Iterator[Toggles]:
    kinds: Sequence[Driver] = ("register", "logic")
    for path, nets in driven.items():
        seen = activity.scopes.get(path, {})
        for kind in kinds:
            own = [seen[name] for name, driver in nets.items() if driver == kind and name in seen]
            if own:
                yield Toggles(
                    scope=path,
                    driver=kind,
                    bits=sum(len(net.high) for net in own),
                    toggles=sum(sum(net.toggles) for net in own),
                )
