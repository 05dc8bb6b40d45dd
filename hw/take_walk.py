"""The neuron unit's walk: whose sums are taken next, and when."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.band_place import BandPlace
from hw.cluster_layouts import row_place_layout, take_layout
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import Accumulate, Operation, Output


class TakeWalk(wiring.Component):
    """Walks tile (or head), position of the cluster's band, group, slot, one take a cycle.

    A take happens in the first cycle in which the source is ready, the previous row is far enough
    behind (`neuron_gap`), and, if it completes a row that is stored, the row queue has a `credit`.

    Members:
        index: number of the cluster, constant.
        descriptor, go: the layer and its start.
        lanes, row: the tile whose sums are taken next.
        ready: per lane, sums are ready; attention_ready: the attention unit's next output is.
        credit: a row may complete.
        biased: the takes of this layer add their bias; of the head's bands only the first one's do.
        take: a take happens in this cycle, of `o`; it completes the row of `place`.
        tile_taken: it is the last take of a tile.
        row_stall: only the missing credit holds the take back.
    """

    def __init__(self, engine: EngineConfig, *, attention: bool) -> None:
        self._engine = engine
        self._attention = attention
        super().__init__(
            {
                "index": In(range(max(2, engine.clusters))),
                "descriptor": In(layouts.descriptor_layout()),
                "go": In(1),
                "lanes": In(range(engine.lanes + 1)),
                "row": In(16),
                "ready": In(engine.lanes),
                "attention_ready": In(1),
                "credit": In(1),
                "biased": Out(1),
                "take": Out(1),
                "o": Out(take_layout(engine)),
                "place": Out(row_place_layout(engine)),
                "tile_taken": Out(1),
                "row_stall": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine, layer, place = self._engine, self.descriptor, self.place
        steps, pitch = engine.time_steps, derived.lane_pitch(engine)
        attention = layer.operation == Operation.ATTENTION
        head = ~attention & (layer.output == Output.HEAD)
        active, possible = Signal(), Signal()
        m.submodules.band = band = BandPlace(engine)
        m.d.comb += [
            band.index.eq(self.index),
            band.descriptor.eq(layer),
            self.biased.eq(~attention & (~head | (band.first == 0))),
        ]
        unit = Signal(17)
        left = Signal(8)
        slot = self.o.slot
        since = Signal(range(steps + 4), init=steps + 3)
        row_done, visit_done, group_done, token_done, unit_done = (Signal() for _ in range(5))
        right, next_position = Signal(), Signal(18)

        def decide() -> None:
            first, near, takes = Signal(), Signal(), Signal(range(max(2, pitch) + 1))
            in_row = slot[: pitch.bit_length() - 1] if pitch > 1 else 0
            ready = Mux(attention, self.attention_ready, Array(self.ready)[slot])
            stored = self.o.merge.stored
            m.d.comb += [
                takes.eq(Mux(head, 1, Mux(attention, pitch, self.lanes))),
                first.eq(head | (in_row == 0)),
                near.eq(first & (since + takes < steps + 3)),
                row_done.eq(head | (in_row == takes - 1)),
                possible.eq(active & ready & ~near),
                self.take.eq(possible & (self.credit | ~row_done | ~stored)),
                self.row_stall.eq(possible & ~self.credit & row_done & stored),
            ]
            with m.If(self.take & row_done):
                m.d.sync += since.eq(1)
            with m.Elif(since != steps + 3):
                m.d.sync += since.eq(since + 1)

        def find_ends() -> None:
            slots = Mux(attention, layer.head_words * engine.chunk, self.lanes)
            grouped = attention | (layer.accumulate == Accumulate.GROUP)
            whole = ~attention & (layer.accumulate == Accumulate.ALL)
            units = Mux(attention, layer.heads, layer.tiles)
            step = Mux(attention, engine.attention_units, band.teams)
            m.d.comb += [
                right.eq(place.x + 1 == layer.width),
                next_position.eq(place.position + 1 + Mux(right, band.skip, 0)),
                visit_done.eq(self.take & (slot + 1 == slots)),
                group_done.eq(visit_done & (~grouped | (place.group + 1 == layer.groups))),
                token_done.eq(group_done & (whole | (right & (next_position >= layer.tokens)))),
                unit_done.eq(unit + step >= units),
                self.tile_taken.eq(token_done & ~attention),
                place.final.eq(token_done & unit_done),
            ]
            with m.If(token_done):
                m.d.sync += [unit.eq(unit + step), active.eq(~unit_done)]

        def advance() -> None:
            first = Mux(attention, 0, band.first)
            with m.If(self.take):
                m.d.sync += slot.eq(Mux(visit_done, 0, slot + 1))
            with m.If(visit_done):
                m.d.sync += place.group.eq(Mux(group_done, 0, place.group + 1))
                m.d.sync += left.eq(Mux(group_done, layer.time_steps, left - steps))
            with m.If(group_done):
                m.d.sync += place.position.eq(Mux(token_done, first, next_position))
                m.d.sync += place.x.eq(Mux(token_done | right, 0, place.x + 1))
                m.d.sync += place.y.eq(
                    Mux(token_done, band.row, place.y + Mux(right, band.step, 0))
                )

        def locate() -> None:
            head_rows, base = Signal(16), Signal(16)
            chunks = layer.head_words * engine.chunk
            spiking = attention | (layer.output == Output.SPIKE) | (layer.output == Output.COUNT)
            m.d.comb += [
                head_rows.eq(chunks >> pitch.bit_length() - 1),
                place.row.eq(Mux(attention, base + (slot >> pitch.bit_length() - 1), self.row)),
                place.lane.eq(slot),
                self.o.steps.eq(Mux(spiking, Cat(left > a for a in range(steps)), 0)),
                self.o.fresh.eq(place.group == 0),
                self.o.complete.eq(row_done),
                self.o.merge.stored.eq(~layer.pool | place.x[0] | (place.x + 1 == layer.width)),
                self.o.merge.begins.eq(place.x == 0),
                self.o.merge.odd.eq(place.x[0]),
                self.o.merge.group.eq(place.group),
            ]
            with m.If(token_done):
                m.d.sync += base.eq(base + head_rows * engine.attention_units)
            with m.If(self.go):
                m.d.sync += base.eq(head_rows * self.index)

        decide()
        find_ends()
        advance()
        locate()
        with m.If(self.go):
            attends = (layer.heads > self.index) & int(self._attention)
            m.d.sync += [
                unit.eq(Mux(attention, self.index, band.team)),
                left.eq(layer.time_steps),
                place.position.eq(Mux(attention, 0, band.first)),
                place.y.eq(band.row),
                place.x.eq(0),
                active.eq(Mux(attention, attends, band.works)),
            ]
        return m
