"""The positions of a band, one after the other."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.band_place import BandPlace
from hw.cluster_layouts import word_address_bits
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


def position_layout(engine: EngineConfig) -> data.StructLayout:
    """A position: its token, whether it is at a border of the map, whether it is the band's last.

    A token has one word at least, so that it has no more bits than a word's address.
    """
    flags = ("left", "right", "top", "bottom", "last")
    return data.StructLayout({"token": word_address_bits(engine), **dict.fromkeys(flags, 1)})


class BandWalk(wiring.Component):
    """Steps from position to position of the cluster's band; after the last comes the first.

    Columns and rows that are left are counted down, and what a step leads to is known before it.
    `descriptor` must stand for five cycles before `restart`.

    Members:
        index: number of the cluster, constant. descriptor: the layer.
        restart: the first position is due; step: the next one is, from the next cycle on.
        o: where the walk stands.
        left, top: where it goes with a step is at these borders.
        ahead: in a layer of one column, the token that it goes to with a step or with `restart`.
        team, teams, works: see BandPlace.
        first_top: the band's first position is at the top.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        clusters = engine.clusters
        super().__init__(
            {
                "index": In(range(max(2, clusters))),
                "descriptor": In(layouts.descriptor_layout()),
                "restart": In(1),
                "step": In(1),
                "o": Out(position_layout(engine)),
                "left": Out(1),
                "top": Out(1),
                "ahead": Out(word_address_bits(engine)),
                "first_top": Out(1),
                "team": Out(range(max(2, clusters))),
                "teams": Out(range(clusters + 1)),
                "works": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layer, here = self.descriptor, self.o
        bits = word_address_bits(self._engine)
        m.submodules.place = place = BandPlace(self._engine)
        # Of the layer: tokens from a row's last position to the next row; columns and the band's
        # rows after the first; whether there are none; whether the band has the map's last row.
        stride, first = Signal(bits), Signal(bits)
        columns, rows = Signal(bits), Signal(bits)
        one_column, one_row, ends_below = Signal(), Signal(), Signal()
        # After this position in its row, after this row.
        columns_left, rows_left = Signal(bits), Signal(bits)
        last_row = Signal()
        # The token below this one, after the last the first.
        below = Signal(bits)

        def settle() -> None:
            rest, splits = Signal(bits), range(derived.MAX_SPLIT)
            height = Mux(layer.convolution, layer.height, layer.tokens)
            m.d.comb += [
                place.index.eq(self.index),
                place.descriptor.eq(layer),
                *[getattr(self, n).eq(getattr(place, n)) for n in ("team", "teams", "works")],
            ]
            m.d.sync += [
                stride.eq(place.skip + 1),
                first.eq(place.first),
                self.first_top.eq(place.row == 0),
                columns.eq(layer.width - 1),
                # Less the band and one: a two's complement.
                rest.eq(height + Cat(~place.row, Const(-1, bits))),
                rows.eq(rest >> layer.split[: derived.MAX_SPLIT.bit_length()]),
                ends_below.eq((rest & Cat(layer.split > bit for bit in splits)) == 0),
                one_column.eq(columns == 0),
                one_row.eq(rows == 0),
            ]

        def go(*, end: bool) -> None:
            """To the first position, or to the row below."""
            m.d.sync += [here.left.eq(1), here.right.eq(one_column), columns_left.eq(columns)]
            if end:
                m.d.sync += [
                    here.token.eq(first),
                    here.top.eq(self.first_top),
                    rows_left.eq(rows),
                    last_row.eq(one_row),
                ]

        def look_ahead() -> None:
            ends = Mux(self.restart | here.last, one_row, rows_left == 1)
            m.d.comb += self.ahead.eq(Mux(self.restart, first, below))
            with m.If(self.restart | self.step):
                m.d.sync += below.eq(Mux(ends, first, self.ahead + stride))

        settle()
        look_ahead()
        m.d.comb += [
            here.last.eq(here.right & last_row),
            here.bottom.eq(last_row & ends_below),
            self.left.eq(here.right),
            self.top.eq(Mux(here.last, self.first_top, here.top & ~here.right)),
        ]
        with m.If(self.step):
            m.d.sync += here.token.eq(here.token + Mux(here.right, stride, 1))
            with m.If(here.right):
                go(end=False)
                m.d.sync += [here.top.eq(0), rows_left.eq(rows_left - 1)]
                m.d.sync += last_row.eq(rows_left == 1)
            with m.Else():
                m.d.sync += [here.left.eq(0), here.right.eq(columns_left == 1)]
                m.d.sync += columns_left.eq(columns_left - 1)
        with m.If(self.restart | (self.step & here.last)):
            go(end=True)
        return m
