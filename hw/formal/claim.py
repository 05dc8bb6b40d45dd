"""What is proved of one block, and the broken copy of it for which the proof must fail."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from amaranth.hdl import Assert, Assume, ClockDomain, Module, Mux, Shape, Signal, Value

Harness = tuple[Module, list[Signal]]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A harness around one block.

    Attributes:
        name, says: what is proved, in a sentence.
        module: Python module of the block.
        harness: makes the circuit with its assertions, from that module or a broken copy of it.
        broken: text of the module and what replaces it in each broken copy.
        depth: cycles of the bounded proof, enough to fill and empty the block; None: too many.
    """

    name: str
    says: str
    module: str
    harness: Callable[[ModuleType], Harness]
    broken: tuple[tuple[str, str], ...]
    depth: int | None = 12

    def circuit(self, mutant: int | None = None) -> Harness:
        """The harness around the block, or around its broken copy number `mutant`."""
        replacement = None if mutant is None else self.broken[mutant]
        return self.harness(load_block(self.module, replacement))


class Bench:
    """A harness in the making: free inputs, assumptions, assertions. No reset but the power-up."""

    def __init__(self, dut: Any) -> None:
        self.m = Module()
        self.m.domains.sync = domain = ClockDomain("sync", reset_less=True)
        self.m.submodules.dut = dut
        self.inputs: list[Signal] = [domain.clk]
        self.past = self.register(1, "past")
        self.m.d.sync += self.past.eq(1)

    def free(self, shape: Any, name: str) -> Signal:
        """An input that may be anything in every cycle."""
        signal = Signal(Shape.cast(shape), name=name)
        self.inputs.append(signal)
        return signal

    def register(self, shape: Any, name: str) -> Signal:
        """A register of the harness, 0 at power-up."""
        return Signal(Shape.cast(shape), name=name)

    def drive(self, value: Value, name: str, width: int | None = None) -> Signal:
        """Connects a free input of the block's; the bits from `width` on are 0."""
        value = Value.cast(value)
        signal = self.free(len(value) if width is None else width, name)
        self.m.d.comb += value.eq(signal)
        return signal

    def claim(self, *conditions: Value) -> None:
        """Holds in every cycle."""
        self.m.d.comb += [Assert(Value.cast(condition).any()) for condition in conditions]

    def given(self, *conditions: Value) -> None:
        """The block's surroundings keep to this."""
        self.m.d.comb += [Assume(Value.cast(condition).any()) for condition in conditions]

    def previous(self, value: Any, name: str) -> Signal:
        """The value of the cycle before."""
        value = Value.cast(value)
        kept = self.register(len(value), f"previous_{name}")
        self.m.d.sync += kept.eq(value)
        return kept

    def waits(
        self, valid: Value, ready: Value, payload: Any, name: str, *, given: bool = False
    ) -> None:
        """What is offered stays offered, unchanged, until it is accepted."""
        waited = self.previous(valid & ~ready, f"{name}_waiting")
        same = Value.cast(payload) == self.previous(payload, f"{name}_payload")
        (self.given if given else self.claim)(~waited | (valid & same))

    def in_order(
        self, *, put: Value, put_data: Value, get: Value, get_data: Value, most: int
    ) -> Signal:
        """No item is lost, doubled, changed or overtaken; returns how many are inside.

        One item, any, is marked as it enters and followed: when all before it have left, it
        leaves next, as it came. At most `most` items are ever inside.
        """
        m = self.m
        inside = self.register(range(most + 2), "inside")
        mark, marked = self.free(1, "mark"), self.register(1, "marked")
        ahead = self.register(range(most + 2), "ahead")
        kept = self.register(len(put_data), "kept")
        now, due = Signal(), Signal()
        m.d.comb += [now.eq(put & mark & ~marked), due.eq(get & marked & (ahead == 0))]
        m.d.sync += inside.eq(inside + put - get)
        with m.If(now):
            m.d.sync += [marked.eq(1), kept.eq(put_data), ahead.eq(inside - get)]
        with m.Elif(marked & get):
            m.d.sync += [ahead.eq(Mux(due, 0, ahead - 1)), marked.eq(~due)]
        self.claim(inside <= most, ~get | (inside != 0), ~due | (get_data == kept))
        return inside

    def done(self) -> Harness:
        """The harness and its ports."""
        return self.m, self.inputs


def load_block(name: str, replacement: tuple[str, str] | None) -> ModuleType:
    """The module, or a copy of it with one text replaced; ValueError if that text is not there."""
    if replacement is None:
        return importlib.import_module(name)
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no module {name}", name=name)
    with open(spec.origin, encoding="utf-8") as file:
        source = file.read()
    old, new = replacement
    if source.count(old) != 1:
        raise ValueError(f"{name}: the text to break stands there {source.count(old)} times: {old}")
    copy = ModuleType(f"{name}_broken")
    copy.__file__ = spec.origin
    sys.modules[copy.__name__] = copy
    exec(compile(source.replace(old, new), spec.origin, "exec"), copy.__dict__)
    return copy
