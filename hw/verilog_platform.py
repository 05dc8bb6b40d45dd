"""How the generated Verilog stays short: memories and clusters are instances of shared modules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from amaranth.back import verilog
from amaranth.hdl import ClockSignal, Elaboratable, Instance, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory

_MEMORIES = Path(__file__).parent / "sparsespike_memory.sv"
_CHECKED, _UNCHECKED = "sparsespike_memory", "sparsespike_memory_no_collisions"


NO_COLLISIONS = {"no_rw_check": 1}
"""Attributes of a memory of which no word is ever read in the cycle of its writing.

Without them Yosys surrounds an ECP5 block RAM with registers and multiplexers as wide as the word.
"""


class VerilogPlatform:
    """A platform for `amaranth.back.verilog.convert`: the text needs `modules()` beside it.

    Memories that start with zeros and have one write port and one read port become instances of two
    short modules, which also start without X; the others stay Amaranth's. Parts of a design that
    ask for it (`share`) are converted once for all their uses.
    """

    def __init__(self, *, prefix: str) -> None:
        self._prefix = prefix
        self._texts: dict[str, str] = {}

    def modules(self) -> str:
        """Verilog-2005 of the modules that the converted text instantiates."""
        memories = _MEMORIES.read_text()
        return "\n".join([*self._texts.values(), memories, _without_check(memories)])

    def share(
        self, name: str, build: Callable[[], Elaboratable], ports: Any, *, reset: Value
    ) -> Instance:
        """An instance of the component that `build` makes, with `ports` of its signature.

        `name` says which component; `reset` alone resets it, not the domain's reset.
        """
        module = f"{self._prefix}_{name}"
        if module not in self._texts:
            self._texts[module] = verilog.convert(
                build(), name=module, platform=self, emit_src=False, strip_internal_attrs=True
            )
        connections: dict[str, Value] = {}
        for path, member, value in ports.signature.flatten(ports):
            direction = "i" if member.flow == wiring.In else "o"
            connections[f"{direction}_{'__'.join(map(str, path))}"] = Value.cast(value)
        clock = {"i_clk": ClockSignal(), "i_rst": reset}
        return Instance(module, **clock, **connections)

    def narrow_memory(self, *, width: int, words: int, lines: int, ports: Any) -> Instance:
        """The memory behind the ports of a hw.narrow_memory.NarrowMemory."""
        sizes = {"p_WIDTH": width, "p_WORDS": words, "p_LINES": lines}
        sizes |= {"p_LINE_ADDRESS": len(ports.write_line), "p_ADDRESS": len(ports.read_word)}
        sizes |= {"p_SELECT": max(1, words.bit_length() - 1)}
        return Instance(
            "sparsespike_narrow_memory",
            **sizes,
            i_clk=ClockSignal(),
            i_write_enable=ports.write,
            i_write_address=ports.write_line,
            i_write_data=ports.write_data,
            i_read_enable=ports.read,
            i_read_address=ports.read_word,
            o_read_data=ports.data,
        )

    def get_memory(self, memory: Memory) -> Any:
        """What stands for `memory` in the Verilog; called by Amaranth."""
        if any(memory.init) or len(memory.write_ports) != 1 or len(memory.read_ports) != 1:
            return memory.elaborate(None)
        write, read = memory.write_ports[0], memory.read_ports[0]
        if write.domain != "sync" or read.domain not in ("sync", "comb") or read.transparent_for:
            return memory.elaborate(None)
        ports = {
            "i_clk": ClockSignal(),
            "i_write_enable": write.en,
            "i_write_address": write.addr,
            "i_write_data": Value.cast(write.data),
            "i_read_address": read.addr,
            "o_read_data": Value.cast(read.data),
        }
        width = len(ports["i_write_data"])
        if 0 in (width, len(write.en), len(write.addr)):
            return memory.elaborate(None)
        sizes = {"p_WIDTH": width, "p_UNIT": width // len(write.en)}
        sizes |= {"p_DEPTH": memory.depth, "p_ADDRESS": len(write.addr)}
        if read.domain == "sync":
            name = _UNCHECKED if memory.attrs.get("no_rw_check") else _CHECKED
            return Instance(name, **sizes, **ports, i_read_enable=read.en)
        return Instance("sparsespike_register_file", **sizes, **ports)


def _without_check(memories: str) -> str:
    """The first memory once more, for reads that never meet a write."""
    start = memories.index(f"module {_CHECKED} ")
    end = memories.index("endmodule", start) + len("endmodule\n")
    text = memories[start:end].replace(_CHECKED, _UNCHECKED, 1)
    return text.replace("  reg [WIDTH-1:0] words", "  (* no_rw_check *) reg [WIDTH-1:0] words", 1)
