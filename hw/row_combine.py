"""Row combine: reads, combines and writes rows; the one source of activation writes."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from hw import layouts
from hw.layouts import MemoryKind
from hw.line_memory import LineMemory
from hw.row_address import placed_row_layout
from hw.trace import row_trace
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class RowCombine(wiring.Component):
    """SPIKE: stored row OR spikes. COUNT: stored row + spikes, or with `pool` their OR in plane 0.

    Without `update` the stored row counts as 0.

    Timing: a row at c is read in c and stands on the write bus in c + 2; one row a cycle. A row
    may be updated again from c + 3 on. A pixel word at c is on the bus in c + 1.

    Members:
        counts, pool: output kind of the layer; it pools.
        placed: a row to store.
        pixels: words of the pixel loader; never together with rows.
        write: the write bus.
        trace: the rows on the write bus.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        super().__init__(
            {
                "counts": In(1),
                "pool": In(1),
                "placed": In(placed_row_layout(engine)),
                "pixels": In(layouts.write_bus(engine)),
                "write": Out(layouts.write_bus(engine)),
                "trace": Out(row_trace(engine)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self.engine
        rows = derived.rows_per_line(engine)
        low = exact_log2(rows)
        bits = derived.lane_pitch(engine) * engine.time_steps
        spike_line = self._copy(m, MemoryKind.SPIKE)
        count_line = self._copy(m, MemoryKind.COUNT)

        row = Signal.like(self.placed)
        place = Signal(range(max(2, rows)))
        m.d.sync += [row.eq(self.placed), place.eq(self.placed.source[:low])]
        old_spikes, old_counts = Signal(bits), Signal(bits * engine.count_bits)
        spikes, counts = Signal(bits), Signal(bits * engine.count_bits)
        m.d.comb += [
            old_spikes.eq(_gate(spike_line.word_select(place, bits), row.update)),
            old_counts.eq(_gate(count_line.word_select(place, len(old_counts)), row.update)),
            spikes.eq(row.spikes | old_spikes),
            counts.eq(self._counts(old_counts, row.spikes)),
        ]

        units = len(self.write.enable) // rows
        with m.If(row.valid):
            m.d.sync += [
                self.write.memory.eq(Mux(self.counts, MemoryKind.COUNT, MemoryKind.SPIKE)),
                self.write.address.eq(row.target >> low),
                self.write.data.eq(
                    Mux(self.counts, counts.replicate(rows), spikes.replicate(rows))
                ),
                self.write.enable.eq(((1 << units) - 1) << (row.target[:low] * units)),
                self.trace.address.eq(row.target),
                self.trace.data.eq(Mux(self.counts, counts, spikes)),
            ]
        with m.Else():
            m.d.sync += self.write.eq(self.pixels)
        m.d.sync += [
            self.write.valid.eq(row.valid | self.pixels.valid),
            self.trace.valid.eq(row.valid),
        ]
        m.d.comb += self.trace.memory.eq(self.write.memory)
        return m

    def _copy(self, m: Module, kind: MemoryKind) -> Value:
        """A copy of a memory, on the write bus; returns the line read for the previous `placed`."""
        engine = self.engine
        is_count = kind == MemoryKind.COUNT
        slot = engine.time_steps * (engine.count_bits if is_count else 1)
        units = len(self.write.enable)
        chosen = self.write.valid & (self.write.memory == kind)
        line = []
        for unit in range(units):
            # A memory of its own: neighbours may be written while a unit is read, the unit itself
            # is not, for of a stored row an operation's write is done before the next one's read.
            memory = LineMemory(
                width=derived.unit_slots(engine) * slot,
                depth=derived.count_lines(engine) if is_count else derived.spike_lines(engine),
                units=1,
                address_bits=layouts.address_bits(engine),
                apart=True,
            )
            m.submodules[f"{kind.name.lower()}_copy_{unit}"] = memory
            m.d.comb += [
                memory.write.eq(self.write.enable[unit] & chosen),
                memory.write_address.eq(self.write.address),
                memory.write_data.eq(self.write.data.word_select(unit, memory.width)),
                memory.read.eq(self.placed.valid & self.placed.update & (self.counts == is_count)),
                memory.read_address.eq(
                    self.placed.source >> exact_log2(derived.rows_per_line(engine))
                ),
            ]
            line.append(memory.read_data)
        return Cat(line)

    def _counts(self, stored: Value, spikes: Value) -> Value:
        width = self.engine.count_bits
        results = []
        for i in range(len(spikes)):
            count = stored.word_select(i, width)
            pooled = Cat(count[0] | spikes[i], Const(0, width - 1))
            # Logic instead of a carry chain, which is wider than the count.
            carries = [spikes[i] & count[:bit].all() for bit in range(width)]
            results.append(Mux(self.pool, pooled, count ^ Cat(carries)))
        return Cat(*results)


def _gate(value: Value, enable: Value) -> Value:
    return value & enable.replicate(len(value))
