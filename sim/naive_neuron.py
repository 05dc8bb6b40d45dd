"""Naive twin, neuron unit: one output a cycle, made into rows."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from sim.naive_memory import Memories
from sparsespike.contract import derived, numeric
from sparsespike.contract.program import Output

Fields = dict[str, int]


@dataclass
class OutputRegister:
    """What the neuron unit takes: (ready cycle, sums) of a channel, None while there are none."""

    output: tuple[int, list[int]] | None = None


@dataclass
class Take:
    """One output that the neuron unit expects next; size: takes of its row."""

    source: OutputRegister
    key: int
    constants: dict[str, int]
    n: int
    g: int
    row: int
    place: int
    size: int
    ends_tile: bool = False


@dataclass
class Row:
    """A complete row on its way to memory; values: spikes by step, or one number."""

    n: int
    g: int
    row: int
    values: list[list[int]]
    ready: int = 0
    operations: list[tuple[int, bool]] = field(default_factory=list)


class NeuronUnit:
    """Takes one output a cycle, in the order of `takes`, and makes rows of them.

    `takes` gives None while it does not know what comes next.
    """

    def __init__(
        self,
        layer: Fields,
        memories: Memories,
        counters: Counter[str],
        takes: Iterator[Take | None],
    ) -> None:
        self._layer, self._memories, self.counters = layer, memories, counters
        self._takes = takes
        self._next: Take | None = None
        self._done = False
        self._membranes: dict[int, int] = {}
        self._values: list[list[int]] = []
        self._held: dict[int, list[list[int]]] = {}
        self._last_take = -(10**9)
        self.rows: deque[Row] = deque()
        self.unwritten = 0
        self.tiles_done = 0

    @property
    def idle(self) -> bool:
        """Whether every take was made and every row written."""
        return self._done and self.unwritten == 0

    def tick(self, cycle: int) -> None:
        """Makes a take if every rule allows it."""
        if self._next is None and not self._done:
            self._expect()
        take = self._next
        if take is None or take.source.output is None:
            return
        ready, sums = take.source.output
        gap = derived.neuron_gap(self._memories.engine, take.size) if take.place == 0 else 1
        if cycle < ready or cycle < self._last_take + gap:
            return
        completes = take.place == take.size - 1
        stored = self._stored(take.n)
        if completes and stored and self.unwritten >= derived.ROW_CREDITS:
            self.counters["row_stalls"] += 1
            return
        take.source.output = None
        self._last_take = cycle
        if take.place == 0:
            self._values = [[] for _ in range(take.size)]
        slot = take.constants.get("place", take.place) if take.size > 1 else 0
        self._values[slot] = self._result(take, sums)
        if completes:
            values = self._merge(take) if self._layer["pool"] else self._values
            if stored:
                ready = cycle + derived.neuron_latency(self._memories.engine)
                self.rows.append(Row(take.n, take.g, take.row, values, ready))
                self.unwritten += 1
        self.tiles_done += take.ends_tile
        self._expect()

    def _stored(self, n: int) -> bool:
        """With a pool, only rows of odd x are stored, and the last of a map's row."""
        x, last = n % self._layer["width"], self._layer["width"] - 1
        return not self._layer["pool"] or x % 2 == 1 or x == last

    def _merge(self, take: Take) -> list[list[int]]:
        """The row with those held since the last odd x; what is held for the next one."""
        x, own = take.n % self._layer["width"], self._values
        merged = own
        if x:
            pairs = zip(own, self._held[take.g], strict=True)
            merged = [[a | b for a, b in zip(*pair, strict=True)] for pair in pairs]
        self._held[take.g] = own if x % 2 else merged
        return merged

    def _expect(self) -> None:
        try:
            self._next = next(self._takes)
        except StopIteration:
            self._next, self._done = None, True

    def _result(self, take: Take, sums: list[int]) -> list[int]:
        d, constants = self._layer, take.constants
        if d["output"] == Output.HEAD:
            return [sum(sums) + constants["bias"]]
        if d["output"] == Output.SCORE:
            self.counters["selector_updates"] += 1
            hidden = sum(sums) + constants["bias"]
            q = int(numeric.requantize(hidden, constants["multiplier"], d["shift"]))
            return [int(numeric.gelu_table()[q & 0xFF]) * constants["score_weight"]]
        return self._fire(take, sums)

    def _fire(self, take: Take, sums: list[int]) -> list[int]:
        d, adders = self._layer, self._memories.engine.time_steps
        currents = [value + take.constants["bias"] for value in sums]
        if d["pixel"]:
            total = sum(value << a for a, value in enumerate(sums)) + take.constants["bias"]
            currents = [total] * adders
        membrane = 0 if take.g == 0 else self._membranes[take.key]
        spikes = []
        for a, current in enumerate(currents):
            t = take.g * adders + a + 1
            if t > d["time_steps"]:
                spikes.append(0)
                continue
            membrane += current << (t - 1)
            fired = membrane << (d["time_steps"] - t) >= take.constants["threshold"]
            membrane = 0 if fired else membrane
            spikes.append(int(fired))
            self.counters["lif_updates"] += 1
        self._membranes[take.key] = membrane
        self.counters["spikes_fired"] += sum(spikes)
        return spikes
