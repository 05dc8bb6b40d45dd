"""One cluster: broadcaster, lanes, neuron unit, row queue and its part of attention."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from sparsespike.contract.config import EngineConfig

INCREMENT_BITS = 16


class Cluster(wiring.Component):
    """A broadcaster with its lanes (skeleton: ports only).

    Members:
        descriptor: the layer, stable from `go` until the next `go`.
        go: one cycle; the cluster starts if the layer has work for it.
        busy: high from `go` + 1 until the last row of the layer has been taken.
        write: write bus to this cluster's copies of the activation memories.
        list_index, list_value: asynchronous read port of the token list.
        load: beats of the weight stream for this cluster.
        free: an empty half of the tile memory exists.
        rows: head of the row queue.
        increments: counter increments of this cycle.
    """

    def __init__(self, engine: EngineConfig, *, index: int) -> None:
        self.engine = engine
        self.index = index
        tokens = range(max(2, engine.max_tokens))
        super().__init__(
            {
                "descriptor": In(layouts.descriptor_layout()),
                "go": In(1),
                "busy": Out(1),
                "write": In(layouts.write_bus(engine)),
                "list_index": Out(tokens),
                "list_value": In(tokens),
                "load": In(layouts.load_bus(engine)),
                "free": Out(1, init=1),
                "rows": Out(stream.Signature(layouts.row_layout(engine))),
                "increments": Out(
                    layouts.increments_layout(layouts.CLUSTER_COUNTERS, INCREMENT_BITS)
                ),
            }
        )

    def elaborate(self, platform: object) -> Module:
        return Module()
