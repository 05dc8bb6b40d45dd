"""Bits that memory ports moved beside the bits that the counters charge, kind by kind, and why."""

from __future__ import annotations

import re
from typing import NamedTuple

import pandas as pd

from cocotb_tests.activity import ENGINE, Measured
from reports.event_bits import event_bits
from reports.technology import Technology
from sparsespike.contract.config import EngineConfig


class Ports(NamedTuple):
    """Ports of one kind: memories by their path below the core, and the counters that charge them.

    reads, writes: which of the memory's ports. entry: what a bit costs. counters: charged events;
    none where nothing is.
    """

    name: str
    scope: str
    reads: bool
    writes: bool
    entry: str
    counters: tuple[str, ...]
    why: str


_LANE = r"cluster_\d+/body/lane_\d+"
_BODY = r"cluster_\d+/body"
PORTS = (
    Ports("activation words, read", rf"{_BODY}/broadcaster/store/.*", True, False, "chunks_scanned",
          ("chunks_scanned", "attention_words_read"),
          "a word of residual counts has `count_bits` bits a slot and is charged one"),
    Ports("activation rows, written", rf"{_BODY}/broadcaster/store/.*|write_back/combine/.*", False,
          True, "rows_written", ("rows_written", "pixel_words_written"),
          "rows of residual counts, likewise"),
    Ports("activation rows, read to be updated", "write_back/combine/.*", True, False,
          "rows_updated", ("rows_updated",), "likewise, and the port moves whole lines"),
    Ports("mask words, read", rf"{_LANE}/memory/mask_memory.*", True, False, "mask_words_read",
          ("mask_words_read",), "lanes without a channel read too; only active ones are counted"),
    Ports("weights, read", rf"{_LANE}/memory/weight_memory.*", True, False, "weights_read",
          ("weights_read",), ""),
    Ports("masks and weights, written", rf"{_LANE}/memory/.*", False, True, "weights_read", (),
          "filling the tile memories is not counted"),
    Ports("queues", rf"{_LANE}/queue/store", False, True, "queue_entries", ("queue_entries",), ""),
    Ports("constants of channels", rf"{_BODY}/tiles/.*", True, True, "mask_words_read", (),
          "not counted: the read port is enabled in every cycle"),
    Ports("membranes", rf"{_BODY}/neuron/.*", True, True, "mask_words_read", (),
          "not counted: the read port is enabled in every cycle"),
    Ports("logits, counters, descriptors", r"(logits|counters|front|scores|tokens).*", True, True,
          "mask_words_read", (), "not counted: the logits' read port is enabled in every cycle"),
)  # fmt: skip


def port_table(measured: Measured, *, engine: EngineConfig, technology: Technology) -> pd.DataFrame:
    """ports, charged_bits, moved_bits, difference_pj, why: one row per kind of port."""
    bits = event_bits(engine)
    rows = []
    for ports in PORTS:
        moved = sum(
            (memory.reads or 0) * memory.width * ports.reads + memory.bits_written * ports.writes
            for memory in measured.memories
            if re.fullmatch(ports.scope, memory.scope.removeprefix(f"{ENGINE}/core/"))
        )
        charged = sum(measured.counters[name] * bits[name] for name in ports.counters)
        price = technology.events[ports.entry].picojoule_for(1)
        rows.append((ports.name, charged, moved, (moved - charged) * price, ports.why))
    columns = ["ports", "charged_bits", "moved_bits", "difference_pj", "why"]
    return pd.DataFrame(rows, columns=columns)
