"""Which tiles and which positions of a layer are a cluster's."""

from __future__ import annotations

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.cluster_layouts import word_address_bits
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig

_SPLITS = range(derived.MAX_SPLIT + 1)


class BandPlace(wiring.Component):
    """The cluster's team and band in a matmul: tiles `team`, `team` + `teams`, ..., one band each.

    Outputs follow `descriptor` two cycles later.

    Members:
        index: number of the cluster, constant. descriptor: the layer.
        team, teams: the cluster's team, and how many there are.
        works: the cluster has tiles to compute.
        first, row: first position of its band, and that position's row of the map.
        step: rows from one of the band to the next; skip: positions between the two.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        # A position has a word at least.
        bits = word_address_bits(engine)
        super().__init__(
            {
                "index": In(range(max(2, engine.clusters))),
                "descriptor": In(layouts.descriptor_layout()),
                "team": Out(range(max(2, engine.clusters))),
                "teams": Out(range(engine.clusters + 1)),
                "works": Out(1),
                "first": Out(bits),
                "row": Out(derived.MAX_SPLIT),
                "step": Out(derived.MAX_SPLIT + 1),
                "skip": Out(bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layer, clusters = self.descriptor, range(self._engine.clusters)
        band, member = self.row, Signal()
        with m.Switch(layer.split):
            for split in _SPLITS:
                places = [derived.team_place(self._engine, k, split) for k in clusters]
                with m.Case(split):
                    m.d.sync += [
                        self.teams.eq(derived.teams(self._engine, split)),
                        self.team.eq(Array(p[0] if p else 0 for p in places)[self.index]),
                        band.eq(Array(p[1] if p else 0 for p in places)[self.index]),
                        member.eq(Array(int(p is not None) for p in places)[self.index]),
                    ]
        m.d.sync += [
            self.works.eq(member & (layer.tiles > self.team)),
            self.first.eq(band * layer.width),
            self.step.eq(1 << layer.split),
            self.skip.eq((layer.width << layer.split) - layer.width),
        ]
        return m
