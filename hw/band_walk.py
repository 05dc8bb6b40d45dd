"""The positions of a band, one after the other."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.band_place import BandPlace
from sparsespike.contract.config import EngineConfig


def position_layout() -> data.StructLayout:
    """A position: its token, row and column, whether it is at a border, the band's last one."""
    flags = ("left", "right", "top", "bottom", "last")
    return data.StructLayout({"token": 16, "y": 16, "x": 16, **dict.fromkeys(flags, 1)})


class BandWalk(wiring.Component):
    """Steps from position to position of the cluster's band; after the last comes the first.

    The next position is kept beside the current one, so that a step in every cycle costs one
    addition. `descriptor` must stand for five cycles before `restart`.

    Members:
        index: number of the cluster, constant. descriptor: the layer.
        restart: the first position is due; step: the next one is, from the next cycle on.
        o, following: where the walk stands, and where it goes with a step.
        team, teams, works: see BandPlace.
        first: the band's first position.
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
                "o": Out(position_layout()),
                "following": Out(position_layout()),
                "first": Out(position_layout()),
                "team": Out(range(max(2, clusters))),
                "teams": Out(range(clusters + 1)),
                "works": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layer, here = self.descriptor, self.o
        m.submodules.place = place = BandPlace(self._engine)
        # Of the layer: tokens to the next row of the band; bounds of what comes before the last.
        stride = Signal(17)
        bounds = [Signal(16, name=f"bound_{i}") for i in range(3)]
        single = Signal()
        ahead, second = Signal(position_layout()), Signal(position_layout())

        def settle() -> None:
            columns = layer.width
            m.d.comb += [
                place.index.eq(self.index),
                place.descriptor.eq(layer),
                *[getattr(self, n).eq(getattr(place, n)) for n in ("team", "teams", "works")],
            ]
            m.d.sync += [single.eq(columns == 1), stride.eq(place.skip + 1)]
            # A position is the last if the next, a row on, is beyond: token >= tokens - stride.
            skips = (place.skip + 1, place.skip + 2, (place.skip << 1) + 2)
            for number, (bound, skip) in enumerate(zip(bounds, skips, strict=True)):
                least = Signal(18, name=f"least_{number}")
                m.d.sync += least.eq(skip)
                m.d.sync += bound.eq(Mux(layer.tokens > least, layer.tokens - least, 0))
            m.d.sync += [
                self.first.token.eq(place.first),
                self.first.y.eq(place.row),
                self.first.x.eq(0),
                self.first.left.eq(1),
                self.first.top.eq(place.row == 0),
                self.first.right.eq(columns == 1),
                self.first.bottom.eq(place.row + 1 == layer.height),
                self.first.last.eq(single & (place.first >= bounds[0])),
                second.eq(successor(self.first, "second")),
            ]

        def successor(at: data.View, name: str) -> Signal:
            after = Signal(position_layout(), name=f"after_{name}")
            beyond = Mux(at.right, at.token >= bounds[2], at.token >= bounds[1])
            m.d.comb += [
                after.token.eq(at.token + Mux(at.right, stride, 1)),
                after.x.eq(Mux(at.right, 0, at.x + 1)),
                after.y.eq(at.y + Mux(at.right, place.step, 0)),
                after.left.eq(at.right),
                after.right.eq(Mux(at.right, single, at.x + 2 == layer.width)),
                after.top.eq(at.top & ~at.right),
                after.bottom.eq(Mux(at.right, at.y + place.step + 1 == layer.height, at.bottom)),
                after.last.eq(after.right & beyond),
            ]
            return after

        settle()
        follower = successor(ahead, "ahead")
        m.d.comb += self.following.eq(Mux(here.last, self.first, ahead))
        with m.If(self.step):
            m.d.sync += here.eq(self.following)
            m.d.sync += ahead.eq(Mux(here.last, second, follower))
        with m.If(self.restart):
            m.d.sync += [here.eq(self.first), ahead.eq(second)]
        return m
