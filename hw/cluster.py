"""One cluster: broadcaster, lanes, neuron unit, row queue and its part of attention."""

from __future__ import annotations

from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import wiring

from hw.cluster_body import ClusterBody, cluster_body_signature, cluster_signature
from hw.verilog_platform import VerilogPlatform
from sparsespike.contract.config import EngineConfig

__all__ = ["Cluster"]


class Cluster(wiring.Component):
    """A broadcaster with its lanes, a neuron unit and, below `attention_units`, an attention unit.

    The first scan enters in the cycle after `go`, if its tile is loaded; a tile can be walked from
    the cycle after its end beat. Rows wait at `rows` until they are accepted; the broadcaster waits
    for full lane queues, a lane for its sums to be taken, the neuron unit for a row credit.

    The parts leave a reset one cycle later than the rest of the engine; in Verilog they also enter
    it a cycle later, by a register alone, so that the reset of most registers starts at one.

    Members:
        descriptor: the layer, stable from `go` until the next `go`.
        go: one cycle; the cluster starts if the layer has work for it.
        busy: high from `go` + 1 until the cycle in which the layer's last row is accepted.
        write: write bus to this cluster's copies of the activation memories.
        list_index, list_value: asynchronous read port of the token list.
        load: beats of the weight stream for this cluster.
        free: an empty half of the tile memory exists.
        rows: head of the row queue.
        increments: counter increments, one or two cycles after what they count.
    """

    def __init__(self, engine: EngineConfig, *, index: int) -> None:
        self._engine = engine
        self._index = index
        super().__init__(cluster_signature(engine))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine, attention = self._engine, self._index < self._engine.attention_units
        # High in the cycle after a reset, whichever way that came.
        fresh = Signal(init=1)
        m.d.sync += fresh.eq(0)

        def build() -> ClusterBody:
            return ClusterBody(engine, attention=attention)

        if isinstance(platform, VerilogPlatform):
            name = "attention_cluster" if attention else "cluster"
            ports = cluster_body_signature(engine).create()
            m.submodules.body = platform.share(name, build, ports, reset=fresh)
        else:
            ports = build()
            m.submodules.body = ResetInserter(fresh)(ports)
        m.d.comb += ports.index.eq(self._index)
        wiring.connect(m, wiring.flipped(self.rows), ports.rows)
        for name in ("descriptor", "go", "write", "list_value", "load"):
            m.d.comb += getattr(ports, name).eq(getattr(self, name))
        for name in ("busy", "list_index", "free", "increments"):
            m.d.comb += getattr(self, name).eq(getattr(ports, name))
        return m
