"""One hardware block alone in an RTL simulator, driven by plain data."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from amaranth.back import verilog
from amaranth.hdl import Signal, Value
from amaranth.lib import wiring

from cocotb_tests.runner import DEFAULT_BUILD_DIR, build, run, usable_folder
from hw.verilog_platform import VerilogPlatform

BENCH = "cocotb_tests.benches.block"
TOP = "block"
_PORTS = Path(__file__).parent / "block.vlt"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Sends `items`, one value per port of `data` each, with random gaps.

    A stream has `ready`; a port that must not be driven while another one is high names it `full`.
    """

    valid: str
    data: Sequence[str]
    items: Sequence[Sequence[int]]
    ready: str = ""
    full: str = ""
    stalls: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Sink:
    """Takes from a stream with random gaps; after_valid: `ready` only ever follows `valid`."""

    valid: str
    ready: str
    data: Sequence[str]
    stalls: float = 0.0
    after_valid: bool = False


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Notes the ports of `data` whenever `valid` is high; in every cycle where it names none."""

    valid: str
    data: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """A read port of a memory: `table` of (address AND mask), `latency` cycles later."""

    address: str
    data: str
    table: dict[int, int]
    latency: int
    mask: int = -1
    otherwise: int = 0


@dataclass(frozen=True, kw_only=True)
class Memory:
    """An AXI memory with random stalls at the ports `prefix`_*; direction: 'read' or 'write'."""

    prefix: str
    direction: str
    content: str
    bytes: int
    stalls: float


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to drive, and when to end: `drain` cycles after `stop` was high or all was sent.

    levels: constant inputs; pokes: inputs that change in a cycle; random: input -> (bits, chance
    of each to be 1), drawn anew in every cycle. start: first cycle in which a source may send.
    """

    sources: dict[str, Source] = field(default_factory=dict)
    sinks: dict[str, Sink] = field(default_factory=dict)
    probes: dict[str, Probe] = field(default_factory=dict)
    lookups: dict[str, Lookup] = field(default_factory=dict)
    levels: dict[str, int] = field(default_factory=dict)
    pokes: dict[int, dict[str, int]] = field(default_factory=dict)
    random: dict[str, tuple[int, float]] = field(default_factory=dict)
    axi: Memory | None = None
    start: int = 0
    stop: str | None = None
    drain: int = 50
    limit: int = 20_000
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class Events:
    """What happened: per sink and probe, rows of (cycle, one value per port).

    unsent: items that no source could place; memory: content of the AXI memory afterwards.
    """

    sinks: dict[str, list[list[int]]]
    probes: dict[str, list[list[int]]]
    unsent: int
    memory: str = ""


def run_block(block: wiring.Component, plan: Plan, *, simulator: str) -> Events:
    """Converts `block` to Verilog, builds it and runs `plan`.

    Ports are named by their path, joined with '__'. Raises RtlBuildError, RtlRunError.
    """
    base = usable_folder(DEFAULT_BUILD_DIR / "blocks")
    with tempfile.TemporaryDirectory(dir=base) as folder:
        directory = Path(folder)
        (directory / "block.v").write_text(_verilog(block))
        made = build([directory / "block.v", _PORTS], top=TOP, simulator=simulator, build_dir=base)
        content = _plan_json(plan)
        content["inputs"] = _inputs(block)
        run_dir = directory / "run"
        run_dir.mkdir()
        (run_dir / "block.json").write_text(json.dumps(content))
        run(made, BENCH, run_dir=run_dir)
        return Events(**json.loads((run_dir / "events.json").read_text()))


def const(layout: Any, values: dict[str, Any]) -> int:
    """The bits of a struct with these fields; absent ones are 0."""
    return Value.cast(layout.const(values)).value


def _plan_json(plan: Plan) -> dict[str, Any]:
    content = asdict(plan)
    if plan.axi is None:
        del content["axi"]
    return content


def _inputs(block: wiring.Component) -> list[str]:
    """Names of the ports that the bench drives."""
    flows = {"__".join(map(str, path)): m.flow for path, m, _ in block.signature.flatten(block)}
    return [name for name in _signals(block) if flows[name] == wiring.In]


def _signals(block: wiring.Component) -> dict[str, Signal]:
    """Ports by name, without those that are constants (a stream that is always ready)."""
    found = {}
    for path, _, value in block.signature.flatten(block):
        signal = Value.cast(value)
        if isinstance(signal, Signal) and len(signal):
            found["__".join(map(str, path))] = signal
    return found


def _verilog(block: wiring.Component) -> str:
    platform = VerilogPlatform(prefix=TOP)
    constant = len(_signals(block)) < len(list(block.signature.flatten(block)))
    ports = {name: (signal, None) for name, signal in _signals(block).items()}
    text = verilog.convert(
        block,
        name=TOP,
        platform=platform,
        ports=ports if constant else None,
        emit_src=False,
        strip_internal_attrs=True,
    )
    return text + platform.modules()
