"""Drives one hardware block from block.json and writes what it did to events.json.

Every cycle: inputs are set in the middle of the cycle, outputs are read just before the next clock
edge. See cocotb_tests.block_run for the fields of block.json.
"""

import json
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge, Timer
from cocotbext.axi import AxiRamRead, AxiRamWrite, AxiReadBus, AxiWriteBus

PERIOD_NS = 10
SETTLE_NS = 1


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def run_block(dut: Any) -> None:
    """All cycles of block.json."""
    plan = json.loads(Path("block.json").read_text())
    block = _Block(dut, plan)
    await block.reset()
    drained = 0
    for cycle in range(plan["limit"]):
        await block.cycle(cycle)
        drained += block.finished()
        if drained > plan["drain"]:
            break
    events = {"sinks": block.taken, "probes": block.seen, "unsent": block.unsent()}
    if block.ram is not None:
        events["memory"] = bytes(block.ram.read(0, plan["axi"]["bytes"])).hex()
    Path("events.json").write_text(json.dumps(events))


class _Block:
    """The block, its sources, sinks, probes and memories."""

    def __init__(self, dut: Any, plan: dict[str, Any]) -> None:
        self.dut = dut
        self.plan = plan
        self.random = random.Random(plan["seed"])
        self.taken: dict[str, list[list[int]]] = {name: [] for name in plan["sinks"]}
        self.seen: dict[str, list[list[int]]] = {name: [] for name in plan["probes"]}
        self._queues = {name: list(source["items"]) for name, source in plan["sources"].items()}
        self._offered = dict.fromkeys(plan["sources"], False)
        self._answers: dict[str, list[int]] = {name: [] for name in plan["lookups"]}
        self._open = False
        self._stopped = False
        self.ram: Any = None

    async def reset(self) -> None:
        plan = self.plan
        for port in plan["inputs"]:
            self._set(port, 0)
        self.dut.rst.value = 1
        Clock(self.dut.clk, PERIOD_NS, unit="ns").start()
        await Timer(2.5 * PERIOD_NS, unit="ns")
        if "axi" in plan:
            self._connect_memory(plan["axi"])
        for _ in range(3):
            await FallingEdge(self.dut.clk)
        for port, value in plan["levels"].items():
            self._set(port, value)
        self.dut.rst.value = 0

    def _connect_memory(self, axi: dict[str, Any]) -> None:
        dut = self.dut
        read = axi["direction"] == "read"
        bus = (AxiReadBus if read else AxiWriteBus).from_prefix(dut, axi["prefix"])
        self.ram = (AxiRamRead if read else AxiRamWrite)(bus, dut.clk, dut.rst, size=2**40)
        self.ram.write(0, bytes.fromhex(axi["content"]))
        channels = ("ar_channel", "r_channel") if read else ("aw_channel", "w_channel", "b_channel")
        for number, name in enumerate(channels):
            pauses = _pauses(axi["stalls"], number + self.plan["seed"])
            getattr(self.ram, name).set_pause_generator(pauses)

    async def cycle(self, cycle: int) -> None:
        plan = self.plan
        for port, value in plan["pokes"].get(str(cycle), {}).items():
            self._set(port, value)
        for port, (bits, probability) in plan["random"].items():
            self._set(port, sum(self._chance(probability) << i for i in range(bits)))
        self._open = cycle >= plan["start"]
        self._offer()
        for sink in plan["sinks"].values():
            if not sink["after_valid"]:
                self._set(sink["ready"], self._chance(1 - sink["stalls"]))
        self._answer_late()
        await Timer(SETTLE_NS, unit="ns")
        await self._answer_now()
        self._observe(cycle)
        await RisingEdge(self.dut.clk)
        await FallingEdge(self.dut.clk)

    def _offer(self) -> None:
        """Valid and data of every source; a stream's valid holds until it is accepted."""
        for name, source in self.plan["sources"].items():
            queue = self._queues[name]
            if source["full"]:
                continue
            if not self._offered[name]:
                self._offered[name] = self._draw(source, queue)
            self._set(source["valid"], int(self._offered[name]))
            if self._offered[name]:
                self._set_fields(source["data"], queue[0])

    async def _answer_now(self) -> None:
        """Inputs that depend on outputs of the same cycle."""
        for name, source in self.plan["sources"].items():
            if source["full"]:
                place = not self._get(source["full"])
                self._offered[name] = place and self._draw(source, self._queues[name])
                self._set(source["valid"], int(self._offered[name]))
                if self._offered[name]:
                    self._set_fields(source["data"], self._queues[name][0])
        for sink in self.plan["sinks"].values():
            if sink["after_valid"]:
                takes = self._get(sink["valid"]) and self._chance(1 - sink["stalls"])
                self._set(sink["ready"], int(bool(takes)))
        for lookup in self.plan["lookups"].values():
            if lookup["latency"] == 0:
                self._set(lookup["data"], self._look_up(lookup))
        await Timer(SETTLE_NS, unit="ns")

    def _answer_late(self) -> None:
        """Data of memories whose address was seen `latency` cycles ago."""
        for name, lookup in self.plan["lookups"].items():
            answers = self._answers[name]
            if lookup["latency"] and len(answers) >= lookup["latency"]:
                self._set(lookup["data"], answers.pop(0))

    def _look_up(self, lookup: dict[str, Any]) -> int:
        address = self._get(lookup["address"]) & lookup["mask"]
        return lookup["table"].get(str(address), lookup["otherwise"])

    def _observe(self, cycle: int) -> None:
        plan = self.plan
        for name, source in plan["sources"].items():
            ready = True if source["full"] else self._get(source["ready"])
            if self._offered[name] and ready:
                self._queues[name].pop(0)
                self._offered[name] = False
        for name, sink in plan["sinks"].items():
            if self._get(sink["valid"]) and self._get(sink["ready"]):
                self.taken[name].append([cycle, *(self._get(port) for port in sink["data"])])
        for name, probe in plan["probes"].items():
            if not probe["valid"] or self._get(probe["valid"]):
                self.seen[name].append([cycle, *(self._get(port) for port in probe["data"])])
        for name, lookup in plan["lookups"].items():
            if lookup["latency"]:
                self._answers[name].append(self._look_up(lookup))

    def finished(self) -> bool:
        """The stop port is high, or has been; without one: all sources are empty."""
        stop = self.plan["stop"]
        if stop is None:
            return not self.unsent()
        self._stopped = self._stopped or bool(self._get(stop))
        return self._stopped

    def unsent(self) -> int:
        """Items that no source could place."""
        return sum(map(len, self._queues.values()))

    def _draw(self, source: dict[str, Any], queue: list[list[int]]) -> bool:
        return self._open and bool(queue) and self._chance(1 - source["stalls"]) == 1

    def _chance(self, probability: float) -> int:
        return int(self.random.random() < probability)

    def _get(self, port: str) -> int:
        """The port's value; undefined bits read as 0."""
        text = str(getattr(self.dut, port).value)
        return int("".join(bit if bit in "01" else "0" for bit in text), 2)

    def _set(self, port: str, value: int) -> None:
        getattr(self.dut, port).value = value

    def _set_fields(self, ports: list[str], item: list[int]) -> None:
        for port, value in zip(ports, item, strict=True):
            self._set(port, value)


def _pauses(probability: float, seed: int) -> Any:
    generator = random.Random(seed)
    while True:
        yield generator.random() < probability
