"""Names and meanings of the activity counters, in register order, equal in simulator and RTL.

Every counter is a total over the engine for one descriptor (layer). The RTL keeps them in its
counter memory, one 32-bit word each; the simulator returns them as one int64 row per layer.
"""

from __future__ import annotations

COUNTER_MEANINGS: dict[str, str] = {
    "dma_read_beats": "AXI read beats received",
    "dma_write_beats": "AXI write beats sent",
    "chunks_scanned": "activation words read by the broadcasters",
    "chunks_skipped": "scanned chunks that were silent and cost their lanes nothing",
    "chunks_broadcast": "chunk beats sent to the lanes of a cluster",
    "mask_words_read": "mask words read: scans x active lanes",
    "queue_entries": "matched chunks (and ends of token) that entered a lane queue",
    "weights_read": "matches: non-zero weights met by a non-silent input "
    "(serial lanes: all weights of the chunks that have one)",
    "additions": "accumulator additions: one a match and adder whose digit (spike bit) is not 0",
    "lif_updates": "membrane updates, one per output channel and time step",
    "spikes_fired": "spikes fired by the neuron units",
    "rows_written": "activation rows written by the write-back unit",
    "rows_updated": "rows written that first read the stored row (pool OR, residual add)",
    "pixel_words_written": "words the pixel loader wrote to the spike memory",
    "broadcast_stalls": "cycles a chunk beat waited for a full lane queue",
    "broadcast_idle": "cycles a broadcaster had walks left but no chunk at its output",
    "lane_output_stalls": "cycles a lane held a finished token because its output was taken up",
    "row_stalls": "cycles a neuron unit waited for a free row of the write-back queue",
    "attention_words_read": "spike words read by the attention units",
    "attention_updates": "rows of K^T V counters updated",
    "attention_accumulates": "rows of K^T V counters added to an output for a query spike",
    "selector_updates": "hidden units requantised and looked up by the token selector",
    "topk_comparisons": "score pairs compared by the top-k unit",
    "cycles": "clock cycles of the layer",
}

COUNTERS: tuple[str, ...] = tuple(COUNTER_MEANINGS)
"""Register order. `dma_read_beats` is first and `cycles` last: see docs/engine.md, epilogue."""
