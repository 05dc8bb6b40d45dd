"""The tables of docs/performance.md: what is simulated for each of their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.performance_points import Point
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig, load_engine

DENSE, SPARSE = "spikformer-4-384", "spikformer-4-384-s94-r70"
NONE, BOTH = Point(DENSE, keep_ratio=1, skips="none"), Point(DENSE, keep_ratio=1)
"""Nothing skipped (with room for all weights), and everything but tokens."""
_PIXEL_WORDS = 4096
"""Spike words that the image and the first layer of 4-384 need, about."""


@dataclass(frozen=True)
class Table:
    """title; text: lines above it; names: of its first columns; rows: words and their point."""

    title: str
    text: tuple[str, ...]
    names: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], Point], ...]


def shape(clusters: int, lanes: int, chunk: int, **fields: Any) -> dict[str, Any]:
    """Fields of an engine like `large`, its memories as many bits at any chunk.

    A pixel takes a word however wide, which wide chunks need some words more for; a head takes
    whole lines.
    """
    large = load_engine("large")
    depths = {name: getattr(large, name) for name in ("mask_depth", "spike_depth", "count_depth")}
    scaled = {name: depth * large.chunk // chunk for name, depth in depths.items()}
    scaled["spike_depth"] = max(scaled["spike_depth"], _PIXEL_WORDS)
    made = {
        "clusters": clusters,
        "lanes": lanes,
        "chunk": chunk,
        "attention_units": min(large.attention_units, clusters),
        **scaled,
        **fields,
    }
    slots = max(large.head_slots, derived.line_slots(load_engine("large", **made)))
    return made | {"head_slots": slots, "attention_depth": slots}


def tables() -> tuple[Table, ...]:
    """All of them."""
    large = load_engine("large")
    return (
        Table(
            "Networks on large",
            (f"`large`: {_words(large)}.",),
            ("weights zero", "tokens kept"),
            (
                (("90 %", "0.9"), Point(DENSE)),
                (("90 %", "0.7"), Point(DENSE, keep_ratio=0.7)),
                (("90 %", "0.5"), Point(DENSE, keep_ratio=0.5)),
                (("93.9 %", "0.7"), Point(SPARSE)),
            ),
        ),
        Table(
            "What each sparsity is worth",
            (
                "The lanes of `large`; 90 % zeros. Dense: a network without zeros in",
                "which all fires,",
                "with room for its weights. Weights only: the zeros are skipped, every",
                "input fires.",
                "Spikes only: every weight is stored and added, silent inputs are skipped.",
            ),
            ("skipped", "tokens kept"),
            (
                (("nothing", "all"), _roomy(NONE)),
                (("spikes", "all"), _roomy(Point(DENSE, keep_ratio=1, skips="spikes"))),
                (("weights", "all"), Point(DENSE, keep_ratio=1, skips="weights")),
                (("both", "all"), BOTH),
                (("both", "0.9"), Point(DENSE)),
                (("both", "0.7"), Point(DENSE, keep_ratio=0.7)),
                (("both", "0.5"), Point(DENSE, keep_ratio=0.5)),
            ),
        ),
        Table(
            "Kinds of lane, and balanced tickets",
            (
                "24 x 8 lanes, chunk 16; 90 % zeros, 0.9 of the tokens. A lane holds",
                "one output channel",
                "or two, and adds counts bit by bit or two bits at a time. Uneven: the",
                "fan-out of channels",
                "as pruning leaves it; balanced: as many weights in every output of a layer, whose",
                "cost in accuracy is not measured.",
            ),
            ("channels of a lane", "digit bits", "weights of an output"),
            tuple(
                (
                    (str(c), str(d), "balanced" if even else "uneven"),
                    Point(DENSE, {"lane_channels": c, "digit_bits": d}, balanced=even),
                )
                for even in (False, True)
                for c in (1, 2)
                for d in (1, 2)
            ),
        ),
        Table(
            "Lanes and chunk",
            ("90 % zeros, 0.9 of the tokens; two channels a lane, 2-bit digits.",),
            ("lanes", "clusters x lanes", "chunk"),
            tuple(
                ((str(k * n), f"{k} x {n}", str(c)), Point(DENSE, _wide(k, n, c)))
                for k, n, c in (
                    (4, 4, 32),
                    (8, 4, 32),
                    (16, 4, 16),
                    (16, 4, 32),
                    (32, 2, 32),
                    (8, 8, 16),
                    (8, 8, 32),
                    (8, 8, 64),
                    (16, 8, 16),
                    (24, 8, 8),
                    (24, 8, 16),
                    (24, 8, 32),
                    (12, 16, 16),
                )
            ),
        ),
        Table(
            "As many adders as Prosperity's array",
            (
                "32 lanes, 128 adders; 93.9 % zeros, 0.7 of the tokens; two channels a",
                "lane, 2-bit digits.",
                "Prosperity's simulator gives 1,871,685 cycles for the same network,",
                "without first layer",
                "and head (its published reference file).",
            ),
            ("clusters x lanes", "chunk"),
            tuple(
                ((f"{k} x {n}", str(c)), Point(SPARSE, _wide(k, n, c)))
                for k, n, c in ((4, 8, 32), (8, 4, 16), (8, 4, 32), (8, 4, 64), (16, 2, 32))
            ),
        ),
        Table(
            "Queue of a lane",
            ("90 % zeros, 0.9 of the tokens, `large` otherwise.",),
            ("FIFO depth",),
            tuple(((str(f),), Point(DENSE, {"fifo_depth": f})) for f in (1, 2, 4, 8, 16, 32)),
        ),
        Table(
            "Mapping and order",
            (
                "The same. Bands: as many as asked for in every layer that can have",
                "them, or as the",
                "compiler chooses. Order: channels of like work share a tile, or stay as numbered.",
            ),
            ("bands", "order"),
            (
                *(((str(b), "by work"), Point(DENSE, bands=b)) for b in (1, 2, 4, 8)),
                (("chosen", "by work"), Point(DENSE)),
                (("chosen", "as numbered"), Point(DENSE, ordered=False)),
            ),
        ),
        Table(
            "External memory",
            ("The same.",),
            ("bits of a beat", "cycles a beat"),
            tuple(
                (
                    (str(bits), str(interval)),
                    Point(DENSE, {"axi_data_bits": bits, "memory_interval": interval}),
                )
                for bits, interval in ((128, 1), (128, 2), (128, 4), (64, 1), (64, 2))
            ),
        ),
    )


def _wide(clusters: int, lanes: int, chunk: int) -> dict[str, Any]:
    return shape(clusters, lanes, chunk, lane_channels=2, digit_bits=2)


def _roomy(point: Point) -> Point:
    """With tile memories for every weight of two channels."""
    return Point(point.ticket, {"weight_depth": 8192}, point.keep_ratio, skips=point.skips)


def _words(engine: EngineConfig) -> str:
    return (
        f"{engine.clusters} x {engine.lanes} lanes of {engine.lane_channels} channels, "
        f"chunk {engine.chunk}, {engine.digit_bits}-bit digits, FIFO {engine.fifo_depth}, "
        f"{engine.axi_data_bits}-bit bus"
    )
