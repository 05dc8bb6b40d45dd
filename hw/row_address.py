"""Row address: finds the stored row of a write-back operation."""

from __future__ import annotations

import itertools

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from hw import layouts
from hw.row_scheduler import operation_layout
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


def row_bits(engine: EngineConfig) -> int:
    """Bits of a row address."""
    return layouts.address_bits(engine) + exact_log2(derived.rows_per_line(engine))


def placed_row_layout(engine: EngineConfig) -> data.StructLayout:
    """A row with the addresses, in rows, that it is read from and written to."""
    return data.StructLayout(
        {
            "valid": 1,
            "update": 1,
            "source": row_bits(engine),
            "target": row_bits(engine),
            "spikes": derived.lane_pitch(engine) * engine.time_steps,
        }
    )


class RowAddress(wiring.Component):
    """base + (token * groups + group) * destination_rows + row, one operation a cycle.

    Timing: an operation at c leaves as `placed` in c + LATENCY; it looks up the token list in c.

    Members:
        descriptor: the layer.
        operation: what to place.
        list_index, list_value: asynchronous read port of the token list.
        placed: the row and its addresses.
    """

    LATENCY = 4

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        tokens = range(max(2, engine.max_tokens))
        super().__init__(
            {
                "descriptor": In(layouts.descriptor_layout()),
                "operation": In(operation_layout(engine)),
                "list_index": Out(tokens),
                "list_value": In(tokens),
                "placed": Out(placed_row_layout(engine)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = row_bits(self.engine)
        layer = self.descriptor
        stages = [self.operation] + [
            Signal(operation_layout(self.engine), name=f"operation_{i}") for i in (1, 2, 3)
        ]
        for before, after in itertools.pairwise(stages):
            m.d.sync += after.eq(before)
        token, group, offset = Signal(16), Signal(bits), Signal(bits)

        position = self.operation.row.position
        # Of the layer.
        pooled_width = Signal(16)
        m.d.sync += pooled_width.eq((layer.width + 1) >> 1)
        pooled = self.operation.y * pooled_width + self.operation.x
        m.d.comb += self.list_index.eq(position)
        with m.If(layer.pool):
            m.d.sync += token.eq(pooled)
        with m.Else():
            m.d.sync += token.eq(Mux(layer.use_list, self.list_value, position))
        m.d.sync += [
            group.eq(token * layer.groups + stages[1].row.group),
            offset.eq(group * layer.destination_rows + stages[2].row.row),
            self.placed.valid.eq(stages[3].valid),
            self.placed.update.eq(stages[3].update),
            self.placed.spikes.eq(stages[3].row.spikes),
            self.placed.target.eq(layer.destination_base + offset),
            self.placed.source.eq(
                Mux(layer.pool, layer.destination_base, layer.residual_base) + offset
            ),
        ]
        return m
