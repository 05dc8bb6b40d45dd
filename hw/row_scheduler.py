"""Row scheduler: gives every cluster its cycles of the write-back unit."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


def operation_layout(engine: EngineConfig) -> data.StructLayout:
    """One write-back operation; `y`, `x` is the pooled target of a pooling layer.

    `update`: the operation combines with the stored row.
    """
    return data.StructLayout(
        {"valid": 1, "update": 1, "y": 16, "x": 16, "row": layouts.row_layout(engine)}
    )


class RowScheduler(wiring.Component):
    """Cluster k acts in the cycles m with m mod S = k, one operation each.

    S is `write_slots`, in attention layers `attention_slots`.

    Timing: `first_cycle` marks cycle 0. A row that stands at the head in such a cycle is operated
    on; a pooled one up to twice, once per turn; it is taken with its last operation.
    `operation` stands in m + 1.

    Members:
        first_cycle: this is cycle 0 of a frame.
        attention, pool, update: the layer is one, it pools, it adds to a stored row.
        shared: pooled rows are shared by bands.
        rows: heads of the clusters' row queues.
        operation: what to do, registered.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        super().__init__(
            {
                "first_cycle": In(1),
                "attention": In(1),
                "pool": In(1),
                "shared": In(1),
                "update": In(1),
                "rows": In(stream.Signature(layouts.row_layout(engine))).array(engine.clusters),
                "operation": Out(operation_layout(engine)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        clusters = self.engine.clusters
        all_turns = Signal(derived.write_slots(self.engine), init=1)
        few_turns = Signal(derived.attention_slots(self.engine), init=1)
        next_all, next_few = (
            Mux(self.first_cycle, 2, turns.rotate_left(1)) for turns in (all_turns, few_turns)
        )
        m.d.sync += [all_turns.eq(next_all), few_turns.eq(next_few)]
        # A register: no row stands anywhere when the kind of the layer changes.
        turn = Signal.like(all_turns)
        m.d.sync += turn.eq(Mux(self.attention, next_few, next_all))
        row = Signal(layouts.row_layout(self.engine))
        valid, step = Signal(), Signal()
        steps = [Signal(name=f"step_{k}") for k in range(clusters)]
        # A row that reaches two targets has another operation to come.
        more = [entry.p.twice & ~done for entry, done in zip(self.rows, steps, strict=True)]

        def select() -> None:
            chosen = [
                entry.p.as_value() & turn[k].replicate(len(row.as_value()))
                for k, entry in enumerate(self.rows)
            ]
            m.d.comb += row.eq(_any(chosen))
            m.d.comb += valid.eq(_any([entry.valid & turn[k] for k, entry in enumerate(self.rows)]))
            m.d.comb += step.eq(_any([steps[k] & turn[k] for k in range(clusters)]))
            for k, entry in enumerate(self.rows):
                m.d.comb += entry.ready.eq(entry.valid & turn[k] & ~more[k])

        def walk_targets() -> None:
            for k, entry in enumerate(self.rows):
                with m.If(entry.valid & turn[k]):
                    m.d.sync += steps[k].eq(more[k])
            # Rows that bands share were cleared before, and all bands add to them.
            first = ~self.shared & (step | (row.y == 0))
            m.d.sync += [
                self.operation.y.eq((row.y >> 1) + step),
                self.operation.x.eq(row.x >> 1),
                self.operation.update.eq(Mux(self.pool, ~first, self.update)),
            ]

        select()
        walk_targets()
        m.d.sync += [self.operation.valid.eq(valid), self.operation.row.eq(row)]
        return m


def _any(values: list[Value]) -> Value:
    result = values[0]
    for value in values[1:]:
        result = result | value
    return result
