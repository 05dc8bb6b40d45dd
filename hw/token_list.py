"""Token list: original indices of the tokens that are left."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from sparsespike.contract.config import EngineConfig


class TokenList(wiring.Component):
    """A small memory with `readers` asynchronous read ports, a copy for each of them.

    Timing: a value stands in the cycle of its index; a write is visible in the next cycle.

    Members:
        index, value: the read ports.
        write, write_index, write_value: the write port.
    """

    def __init__(self, engine: EngineConfig, *, readers: int) -> None:
        self.engine = engine
        self.readers = readers
        tokens = range(max(2, engine.max_tokens))
        super().__init__(
            {
                "index": In(tokens).array(readers),
                "value": Out(tokens).array(readers),
                "write": In(1),
                "write_index": In(tokens),
                "write_value": In(tokens),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        tokens = max(2, self.engine.max_tokens)
        for reader, (index, value) in enumerate(zip(self.index, self.value, strict=True)):
            memory = Memory(shape=range(tokens), depth=tokens, init=[])
            m.submodules[f"copy_{reader}"] = memory
            write, read = memory.write_port(), memory.read_port(domain="comb")
            m.d.comb += [
                write.en.eq(self.write),
                write.addr.eq(self.write_index),
                write.data.eq(self.write_value),
                read.addr.eq(index),
                value.eq(read.data),
            ]
        return m
