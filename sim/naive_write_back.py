"""Naive twin, write-back: rows to memory, one operation in each of a cluster's slots."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sim.naive_memory import Memories
from sim.naive_neuron import NeuronUnit, Row
from sparsespike.contract import derived, numeric
from sparsespike.contract.program import Operation, Output

Fields = dict[str, int]


class WriteBack:
    """Stores the rows of cluster `number`, one operation in each of its write slots."""

    def __init__(self, number: int, layer: Fields, memories: Memories, unit: NeuronUnit) -> None:
        self._number, self._layer, self._memories = number, layer, memories
        self._unit = unit

    def tick(self, cycle: int) -> None:
        """One operation, if it is this cluster's turn and a row is ready."""
        rows = self._unit.rows
        engine = self._memories.engine
        attention = self._layer["operation"] == Operation.ATTENTION
        slots = derived.attention_slots(engine) if attention else derived.write_slots(engine)
        turn = cycle % slots == self._number
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
        """(token stored, whether this is the first position that reaches it, of one band)."""
        d = self._layer
        if not d["pool"]:
            yield self._memories.tokens[row.n] if d["use_list"] else row.n, True
            return
        y, x = divmod(row.n, d["width"])
        width = numeric.pool_size(d["width"])
        for py in range(numeric.pool_size(d["height"])):
            if abs(y - 2 * py) <= 1:
                yield py * width + x // 2, y == max(2 * py - 1, 0) and not d["split"]

    def _operate(self, row: Row, token: int, first: bool) -> None:
        d, memories = self._layer, self._memories
        if d["output"] == Output.HEAD:
            memories.logits[row.row] = memories.logits.get(row.row, 0) + row.values[0][0]
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
