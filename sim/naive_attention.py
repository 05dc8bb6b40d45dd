"""Naive twin, attention unit: a process that yields once a cycle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from sim.naive_memory import Memories
from sim.naive_neuron import OutputRegister
from sparsespike.contract import derived

Fields = dict[str, int]


class AttentionUnit:
    """Runs the heads of one cluster; `outputs` are its HP output registers."""

    def __init__(
        self, layer: Fields, memories: Memories, counters: Counter[str], heads: list[int]
    ) -> None:
        self._layer, self._memories, self._counters = layer, memories, counters
        self.heads = heads
        self.slots = layer["head_words"] * memories.engine.chunk
        self.outputs = [OutputRegister() for _ in range(self.slots)]
        self._process = self._run()
        self._cycle = 0

    def tick(self, cycle: int) -> None:
        """One cycle."""
        self._cycle = cycle
        next(self._process, None)

    def _run(self) -> Iterator[None]:
        d = self._layer
        for head in self.heads:
            engine = self._memories.engine
            yield from _wait(derived.ATTENTION_HEAD)
            yield from _wait(
                derived.attention_clear(engine, groups=d["groups"], head_words=d["head_words"])
            )
            adders = engine.time_steps
            counters = np.zeros((d["groups"], self.slots, self.slots, adders), np.int64)
            for n in range(d["tokens"]):
                for g in range(d["groups"]):
                    yield from self._key_visit(head, n, g, counters[g])
            yield from _wait(derived.ATTENTION_HEAD)
            for n in range(d["tokens"]):
                for g in range(d["groups"]):
                    yield from self._query_visit(head, n, g, counters[g])

    def _key_visit(self, head: int, n: int, g: int, counters: np.ndarray) -> Iterator[None]:
        key = yield from self._read(head, n, g, self._layer["key_offset"])
        value = yield from self._read(head, n, g, self._layer["value_offset"])
        yield from _wait(derived.ATTENTION_READ)
        for a, i in np.argwhere(key.T):
            counters[i, :, a] += value[:, a]
            self._counters["attention_updates"] += 1
            yield

    def _query_visit(self, head: int, n: int, g: int, counters: np.ndarray) -> Iterator[None]:
        query = yield from self._read(head, n, g, 0)
        yield from _wait(derived.ATTENTION_READ)
        sums = np.zeros((self.slots, query.shape[1]), np.int64)
        for a, i in np.argwhere(query.T):
            sums[:, a] += counters[i, :, a]
            self._counters["attention_accumulates"] += 1
            yield
        yield from _wait(derived.ATTENTION_DRAIN)
        for j, slot in enumerate(self.outputs):
            slot.output = (self._cycle + j, [int(value) for value in sums[j]])
        while any(slot.output is not None for slot in self.outputs):
            yield

    def _read(self, head: int, n: int, g: int, offset: int):  # noqa: ANN202
        """A cycle for each word; returns the (slots, adders) spikes."""
        d, memories = self._layer, self._memories
        q = memories.tokens[n] if d["use_list"] else n
        first = d["source_base"] + (q * d["groups"] + g) * d["source_stride"] + offset
        words = []
        for word in range(d["head_words"]):
            words.append(memories.word(memories.spikes, first + head * d["head_words"] + word))
            self._counters["attention_words_read"] += 1
            yield
        return np.concatenate(words)


def _wait(cycles: int) -> Iterator[None]:
    for _ in range(cycles):
        yield
