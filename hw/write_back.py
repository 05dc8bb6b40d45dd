"""Write-back: rows of all clusters go to the activation memories, the scores or the logits."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw import layouts
from hw.row_address import RowAddress
from hw.row_combine import RowCombine
from hw.row_scheduler import RowScheduler
from hw.trace import row_trace
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import Operation, Output


class WriteBack(wiring.Component):
    """Schedules operations, places their rows and stores them.

    Timing: operations happen as RowScheduler says. An operation at m leaves as `score` or `logit`
    in m + 1, or it reads the stored row in m + READ_DELAY and is on the write bus two cycles
    later: always before the next layer can read it.

    Members:
        first_cycle: this is cycle 0 of a frame.
        descriptor: the layer.
        rows: heads of the clusters' row queues.
        pixels: words of the pixel loader.
        list_index, list_value: asynchronous read port of the token list.
        write: the write bus of all copies of the activation memories.
        finished: the row of the current operation.
        score, logit: add `finished` to the scores, add it to a logit.
        written, updated: a row operation is done; it combines with a stored row.
        trace: the rows written.
    """

    READ_DELAY = 1 + RowAddress.LATENCY

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        tokens = range(max(2, engine.max_tokens))
        super().__init__(
            {
                "first_cycle": In(1),
                "descriptor": In(layouts.descriptor_layout()),
                "rows": In(stream.Signature(layouts.row_layout(engine))).array(engine.clusters),
                "pixels": In(layouts.write_bus(engine)),
                "list_index": Out(tokens),
                "list_value": In(tokens),
                "write": Out(layouts.write_bus(engine)),
                "finished": Out(layouts.row_layout(engine)),
                "score": Out(1),
                "logit": Out(1),
                "written": Out(1),
                "updated": Out(1),
                "trace": Out(row_trace(engine)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.scheduler = scheduler = RowScheduler(self.engine)
        m.submodules.address = address = RowAddress(self.engine)
        m.submodules.combine = combine = RowCombine(self.engine)
        layer = self.descriptor
        operation = scheduler.operation
        counts, stores = Signal(), Signal()
        m.d.comb += [
            counts.eq(layer.output == Output.COUNT.value),
            stores.eq((layer.output == Output.SPIKE.value) | counts),
            scheduler.first_cycle.eq(self.first_cycle),
            scheduler.attention.eq(layer.operation == Operation.ATTENTION.value),
            scheduler.pool.eq(stores & layer.pool),
            scheduler.shared.eq(layer.split != 0),
            scheduler.update.eq(counts & layer.residual),
            address.descriptor.eq(layer),
            address.operation.eq(operation),
            address.operation.valid.eq(self.written),
            address.list_value.eq(self.list_value),
            self.list_index.eq(address.list_index),
            combine.counts.eq(counts),
            combine.pool.eq(layer.pool),
            combine.placed.eq(address.placed),
            combine.pixels.eq(self.pixels),
            self.write.eq(combine.write),
            self.finished.eq(operation.row),
            self.score.eq(operation.valid & (layer.output == Output.SCORE.value)),
            self.logit.eq(operation.valid & (layer.output == Output.HEAD.value)),
            self.written.eq(operation.valid & stores),
            self.updated.eq(self.written & operation.update),
        ]
        for mine, theirs in zip(self.rows, scheduler.rows, strict=True):
            connect(m, flipped(mine), theirs)
        connect(m, flipped(self.trace), combine.trace)
        return m
