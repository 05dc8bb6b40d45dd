"""When everything of one image happens: layer after layer through the compiled recurrences.

What the layers compute is not known here, only their work: which beats meet which lanes. The same
work can be timed again for a machine with other queues or another memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim import kernels
from sim.clusters import new_clusters
from sim.walk import Walk
from sparsespike.contract import derived
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.program import Operation, Output

if TYPE_CHECKING:
    from sim.machine import Machine
    from sim.state import LayerNumbers

_INDEX = {name: i for i, name in enumerate(COUNTERS)}
_KERNEL = np.array([_INDEX[name] for name in kernels.TALLY])


class MatmulWork(NamedTuple):
    """hits: uint64 (tiles, beats), see `sim.accumulate`."""

    walk: Walk
    hits: NDArray[np.uint64]


class AttentionWork(NamedTuple):
    """Non-silent slots of keys and queries, int64 (heads, visits)."""

    keys: NDArray[np.int64]
    queries: NDArray[np.int64]


Work = MatmulWork | AttentionWork


class Timeline:
    """One image from the start write to the interrupt."""

    def __init__(self, machine: Machine) -> None:
        program = machine.program
        self._machine = machine
        self._clusters = new_clusters(program.engine)
        self._clusters.burst[0] = machine.start.weights
        self._clusters.burst[1] = machine.start.reads[-1]
        self._times = np.zeros(program.header["weight_beats"], np.int64)
        self._begin, self._beat = machine.start.first_layer, 0
        self._stops: list[int] = []

    def layer(self, d: LayerNumbers, work: Work, counters: NDArray[np.int64]) -> None:
        """The next layer, `d`; adds what its kernel counts to its row of counters."""
        machine, e, clusters = self._machine, self._machine.engine, self._clusters
        go = self._begin + derived.descriptor_beats(machine.program.engine)
        go += derived.DESCRIPTOR_CYCLES + d.seam_lines
        tally = np.zeros(len(kernels.TALLY), np.int64)
        if isinstance(work, AttentionWork):
            kernels.attention_layer(e, d, clusters, go, *work, tally)
        else:
            self._beat = kernels.matmul_layer(
                e, d, machine.tiles, *work, clusters, go, self._beat, self._times, tally
            )
        counters[_KERNEL] += tally
        check = max(go + 1, int(clusters.unit[:, kernels.WRITE].max()) + 1)
        self._stops.append(check + derived.DRAIN_CYCLES + _tail(machine, d))
        self._begin = self._stops[-1] + derived.COUNTER_CYCLES

    def finish(self, counters: NDArray[np.int64]) -> None:
        """Sets the counters that need the whole frame, or none of the kernels.

        counters: (layers, counters).
        """
        machine, engine = self._machine, self._machine.program.engine
        stops = np.array(self._stops)
        beats = np.concatenate([machine.start.reads, self._times])
        before = np.searchsorted(beats, stops, side="left")
        counters[:, _INDEX["dma_read_beats"]] = np.diff(before, prepend=0)
        counters[0, _INDEX["pixel_words_written"]] = machine.program.header[
            "pixels"
        ] * derived.pixel_passes(engine)
        counters[:, _INDEX["cycles"]] = np.diff(stops + derived.COUNTER_CYCLES, prepend=0)
        for d, row in zip(machine.layers, counters, strict=True):
            if d.operation != Operation.MATMUL:
                continue
            if d.output == Output.SCORE:
                row[_INDEX["topk_comparisons"]] = derived.topk_comparisons(d.tokens)
            if d.output == Output.HEAD:
                row[_INDEX["dma_write_beats"]] = derived.ceil_div(
                    d.classes, derived.logits_per_beat(engine)
                )


def _tail(machine: Machine, d: LayerNumbers) -> int:
    """Cycles between a layer's drain and its epilogue."""
    if d.operation != Operation.MATMUL:
        return 0
    if d.output == Output.SCORE:
        return derived.topk_cycles(d.tokens)
    head = d.output == Output.HEAD
    return derived.logit_cycles(machine.program.engine, d.classes) if head else 0
