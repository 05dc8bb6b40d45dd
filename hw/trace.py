"""The debug trace port: what the engine stores, as it stores it. Outputs only; may stay open."""

from __future__ import annotations

from amaranth.hdl import signed
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from hw.layouts import MemoryKind
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


def row_trace(engine: EngineConfig) -> wiring.Signature:
    """Every row written: `address` counts rows; `data` as in the memory, spike rows from bit 0."""
    slots = derived.lane_pitch(engine)
    return wiring.Signature(
        {
            "valid": Out(1),
            "memory": Out(MemoryKind),
            "address": Out(32),
            "data": Out(slots * engine.time_steps * engine.count_bits),
        }
    )


def score_trace(engine: EngineConfig) -> wiring.Signature:
    """Every write of a token's accumulated score; `position` is a list position."""
    return wiring.Signature(
        {
            "valid": Out(1),
            "position": Out(range(max(2, engine.max_tokens))),
            "value": Out(signed(32)),
        }
    )


def keep_trace(engine: EngineConfig) -> wiring.Signature:
    """Every entry of the token list that compaction writes."""
    tokens = range(max(2, engine.max_tokens))
    return wiring.Signature({"valid": Out(1), "index": Out(tokens), "value": Out(tokens)})


def layer_trace() -> wiring.Signature:
    """A pulse in the last cycle of each layer."""
    return wiring.Signature({"valid": Out(1), "index": Out(16)})


def trace_port(engine: EngineConfig) -> wiring.Signature:
    """The four traces of an engine."""
    return wiring.Signature(
        {
            "row": Out(row_trace(engine)),
            "score": Out(score_trace(engine)),
            "keep": Out(keep_trace(engine)),
            "layer": Out(layer_trace()),
        }
    )
