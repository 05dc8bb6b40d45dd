"""The neuron unit's walk: whose sums are taken next, and when."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
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
        lanes, row: the tile whose sums are taken next; next_lanes: of the tile after it.
        ready: per channel, sums are ready; attention_ready: the attention unit's next output is.
        credit: a row may complete.
        biased: the takes of this layer add their bias; of the head's bands only the first one's do.
        take: a take happens in this cycle, of `o`; it completes the row of `place`.
        channel: the next take's, one-hot, if it is a lane's.
        tile_taken: it is the last take of a tile.
        row_stall: only the missing credit holds the take back.

    `place` is that of the row of the next take; `place.final` counts with that take only.
    """

    def __init__(self, engine: EngineConfig, *, attention: bool) -> None:
        self._engine = engine
        self._attention = attention
        channels = derived.tile_channels(engine)
        super().__init__(
            {
                "index": In(range(max(2, engine.clusters))),
                "descriptor": In(layouts.descriptor_layout()),
                "go": In(1),
                "lanes": In(range(channels + 1)),
                "next_lanes": In(range(channels + 1)),
                "row": In(16),
                "ready": In(channels),
                "attention_ready": In(1),
                "credit": In(1),
                "biased": Out(1),
                "take": Out(1),
                "channel": Out(channels, init=1),
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
        attention, head = Signal(), Signal()
        m.d.sync += attention.eq(layer.operation == Operation.ATTENTION)
        m.d.sync += head.eq(~attention & (layer.output == Output.HEAD))
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
        # Bit s: the last row ended s + 1 cycles ago.
        since = Signal(steps + 2)
        row_done, visit_done, group_done, token_done = (Signal() for _ in range(4))
        # Looked up ahead: they change only at the end of a visit, and visits end further apart than
        # these registers take to follow, because a lane offers its next sums cycles after a take.
        right, beyond, group_end, unit_end = (Signal() for _ in range(4))
        # The slot is a visit's last one: a register, as every take may end everything at once.
        slot_end = Signal()
        spiking = Signal()
        next_position, next_unit = Signal(18), Signal(18)
        last_slot, step = Signal(slot.shape()), Signal(range(engine.clusters + 1))
        units = Signal(16)

        def decide() -> None:
            first, near, takes = Signal(), Signal(), Signal(range(max(2, pitch) + 1))
            in_row = slot[: pitch.bit_length() - 1] if pitch > 1 else 0
            ready = Mux(attention, self.attention_ready, (self.ready & self.channel).any())
            stored = self.o.merge.stored
            m.d.comb += [
                takes.eq(Mux(head, 1, Mux(attention, pitch, self.lanes))),
                first.eq(head | (in_row == 0)),
                near.eq(
                    first & Cat(since[s] & (takes < steps + 2 - s) for s in range(steps + 2)).any()
                ),
                row_done.eq(head | Mux(attention, in_row == pitch - 1, slot_end)),
                possible.eq(active & ready & ~near),
                self.take.eq(possible & (self.credit | ~row_done | ~stored)),
                self.row_stall.eq(possible & ~self.credit & row_done & stored),
            ]
            m.d.sync += since.eq(Cat(self.take & row_done, since))

        def look_ahead() -> None:
            grouped, whole = Signal(), Signal()
            m.d.sync += [
                grouped.eq(attention | (layer.accumulate == Accumulate.GROUP)),
                whole.eq(~attention & (layer.accumulate == Accumulate.ALL)),
                units.eq(Mux(attention, layer.heads, layer.tiles)),
                step.eq(Mux(attention, engine.attention_units, band.teams)),
                last_slot.eq(layer.head_words * engine.chunk - 1),
                right.eq(place.x + 1 == layer.width),
                next_position.eq(place.position + 1 + Mux(right, band.skip, 0)),
                beyond.eq(whole | (right & (next_position >= layer.tokens))),
                group_end.eq(~grouped | (place.group + 1 == layer.groups)),
                next_unit.eq(unit + step),
                unit_end.eq(next_unit >= units),
                # An odd row reaches the target below it too, unless it is the map's last row.
                place.twice.eq(spiking & layer.pool & place.y[0] & (place.y + 1 != layer.height)),
            ]

        def find_ends() -> None:
            def ends(index: Value) -> Value:
                return Mux(attention, index == last_slot, index + 1 == self.lanes)

            tile_end = group_end & beyond
            lone = Mux(attention, last_slot == 0, Mux(tile_end, self.next_lanes, self.lanes) == 1)
            after = Mux(slot_end, lone, ends(slot + 1))
            m.d.sync += slot_end.eq(Mux(self.take, after, ends(slot)))
            m.d.comb += [
                visit_done.eq(self.take & slot_end),
                group_done.eq(self.take & (slot_end & group_end)),
                token_done.eq(self.take & (slot_end & tile_end)),
                self.tile_taken.eq(token_done & ~attention),
                place.final.eq(slot_end & group_end & beyond & unit_end),
            ]
            with m.If(token_done):
                m.d.sync += [unit.eq(next_unit), active.eq(~unit_end)]

        def advance() -> None:
            first = Mux(attention, 0, band.first)
            with m.If(self.take):
                m.d.sync += slot.eq(Mux(slot_end, 0, slot + 1))
                m.d.sync += self.channel.eq(Mux(slot_end, 1, self.channel << 1))
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
            head_rows, base, next_base = Signal(16), Signal(16), Signal(16)
            chunks = layer.head_words * engine.chunk
            m.d.sync += next_base.eq(base + head_rows * engine.attention_units)
            m.d.comb += [
                spiking.eq(
                    attention | (layer.output == Output.SPIKE) | (layer.output == Output.COUNT)
                ),
                head_rows.eq(chunks >> pitch.bit_length() - 1),
                place.row.eq(Mux(attention, base + (slot >> pitch.bit_length() - 1), self.row)),
                place.lane.eq(slot),
                self.o.steps.eq(Mux(spiking, Cat(left > a for a in range(steps)), 0)),
                self.o.fresh.eq(place.group == 0),
                self.o.complete.eq(row_done),
                self.o.merge.stored.eq(~layer.pool | place.x[0] | right),
                self.o.merge.begins.eq(place.x == 0),
                self.o.merge.odd.eq(place.x[0]),
                self.o.merge.group.eq(place.group),
            ]
            with m.If(token_done):
                m.d.sync += base.eq(next_base)
            with m.If(self.go):
                m.d.sync += base.eq(head_rows * self.index)

        decide()
        look_ahead()
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
