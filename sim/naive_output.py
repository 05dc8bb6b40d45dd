"""Naive twin, back of a cluster: neuron unit and write-back, by the cycle."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from sim.naive_memory import Memories
from sparsespike.contract import derived, numeric
from sparsespike.contract.program import Output

Fields = dict[str, int]


class Source(Protocol):
    """Something whose output register the neuron unit empties: (ready cycle, sums) or None."""

    output: tuple[int, list[int]] | None


@dataclass
class Take:
    """One output that the neuron unit expects next; size: takes of its row."""

    source: Source
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
    """Takes one output a cycle, in the order of `takes`, and makes rows of them."""

    def __init__(
        self,
        layer: Fields,
        memories: Memories,
        counters: Counter[str],
        takes: Iterator[Take | None],
    ) -> None:
        """takes: what to expect; None while that is not known yet."""
        self._layer, self._memories, self.counters = layer, memories, counters
        self._takes = takes
        self._next: Take | None = None
        self._done = False
        self._membranes: dict[int, int] = {}
        self._values: list[list[int]] = []
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
        if completes and self.unwritten >= derived.ROW_CREDITS:
            self.counters["row_stalls"] += 1
            return
        take.source.output = None
        self._last_take = cycle
        self._values.append(self._result(take, sums))
        if completes:
            ready = cycle + derived.neuron_latency(self._memories.engine)
            self.rows.append(Row(take.n, take.g, take.row, self._values, ready))
            self.unwritten += 1
            self._values = []
        self.tiles_done += take.ends_tile
        self._expect()

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


class WriteBack:
    """Stores the rows of cluster `number`, one operation in each of its write slots."""

    def __init__(self, number: int, layer: Fields, memories: Memories, unit: NeuronUnit) -> None:
        self._number, self._layer, self._memories = number, layer, memories
        self._unit = unit

    def tick(self, cycle: int) -> None:
        """One operation, if it is this cluster's turn and a row is ready."""
        rows = self._unit.rows
        turn = cycle % derived.write_slots(self._memories.engine) == self._number
        if not turn or not rows or cycle < rows[0].ready:
            return
        row = rows[0]
        if not row.operations:
            row.operations = list(self._targets(row))
        token, first = row.operations.pop(0)
        self._operate(row, token, first)
        if not row.operations:
            rows.popleft()
            self._unit.unwritten -= 1

    def _targets(self, row: Row) -> Iterator[tuple[int, bool]]:
        """(token stored, whether this is the first position that reaches it)."""
        d = self._layer
        if not d["pool"]:
            yield self._memories.tokens[row.n] if d["use_list"] else row.n, True
            return
        y, x = divmod(row.n, d["width"])
        width = numeric.pool_size(d["width"])
        for py in range(numeric.pool_size(d["height"])):
            for px in range(width):
                if abs(y - 2 * py) <= 1 and abs(x - 2 * px) <= 1:
                    first = y == max(2 * py - 1, 0) and x == max(2 * px - 1, 0)
                    yield py * width + px, first

    def _operate(self, row: Row, token: int, first: bool) -> None:
        d, memories = self._layer, self._memories
        if d["output"] == Output.HEAD:
            memories.logits[row.row] = row.values[0][0]
            return
        if d["output"] == Output.SCORE:
            total = sum(value for (value,) in row.values)
            memories.scores[row.n] = memories.scores.get(row.n, 0) + total
            return
        self._unit.counters["rows_written"] += 1
        spikes = np.zeros((derived.lane_pitch(memories.engine), memories.engine.time_steps), int)
        spikes[: len(row.values)] = row.values
        place = (token * d["groups"] + row.g) * d["destination_rows"] + row.row
        counts = d["output"] == Output.COUNT
        memory = memories.counts if counts else memories.spikes
        stored = memories.row(memory, d["destination_base"] + place)
        reads = d["residual"] or (d["pool"] and not first)
        self._unit.counters["rows_updated"] += bool(reads)
        if d["residual"]:
            spikes = spikes + memories.row(memory, d["residual_base"] + place)
            spikes %= 1 << memories.engine.count_bits
        if d["pool"] and not first:
            spikes |= stored & 1
        stored[:] = spikes
