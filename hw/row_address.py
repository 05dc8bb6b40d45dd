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

    LATENCY = 7

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
            Signal(operation_layout(self.engine), name=f"operation_{i}")
            for i in range(1, self.LATENCY)
        ]
        for before, after in itertools.pairwise(stages):
            m.d.sync += after.eq(before)
        # Products and sums in turn, a register each.
        pooled_row, listed, token = Signal(16), Signal(16), Signal(16)
        groups_before, group = Signal(bits), Signal(bits)
        rows_before, offset = Signal(bits), Signal(bits)

        position = self.operation.row.position
        # Of the layer.
        pooled_width = Signal(16)
        m.d.sync += pooled_width.eq((layer.width + 1) >> 1)
        m.d.comb += self.list_index.eq(position)
        m.d.sync += [
            pooled_row.eq(self.operation.y * pooled_width),
            listed.eq(Mux(layer.use_list, self.list_value, position)),
            token.eq(Mux(layer.pool, pooled_row + stages[1].x, listed)),
            groups_before.eq(token * layer.groups),
            group.eq(groups_before + stages[3].row.group),
            rows_before.eq(group * layer.destination_rows),
            offset.eq(rows_before + stages[5].row.row),
            self.placed.valid.eq(stages[6].valid),
            self.placed.update.eq(stages[6].update),
            self.placed.spikes.eq(stages[6].row.spikes),
            self.placed.target.eq(layer.destination_base + offset),
            self.placed.source.eq(
                Mux(layer.pool, layer.destination_base, layer.residual_base) + offset
            ),
        ]
        return m
