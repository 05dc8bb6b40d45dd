"""Compiled function of the attention units: K^T V counters, then query rows. No times here."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.state import EngineNumbers, LayerNumbers, Memory

_ONE = np.uint64(1)


@njit(cache=True)
def _unpack(e: EngineNumbers, words: NDArray, first: int, spikes: NDArray) -> int:
    """spikes (adders, slots) of the head whose words start at `first`; returns how many."""
    count = 0
    for j in range(spikes.shape[1]):
        word, place = first + j // e.chunk, np.uint64(j % e.chunk)
        for a in range(e.adders):
            spikes[a, j] = (words[word, 0, a] >> place) & _ONE
            count += spikes[a, j]
    return count


@njit(cache=True, nogil=True)
def attend(
    e: EngineNumbers,
    d: LayerNumbers,
    m: Memory,
    head: int,
    counters: NDArray,
    outputs: NDArray,
    keys: NDArray,
    queries: NDArray,
) -> None:
    """One head: outputs (visits, adders, slots) from the spike memory.

    counters: (groups, slots, adders, slots) int64 scratch. outputs: zeros, filled. keys, queries:
    (visits,), filled with the spikes of each visit.
    """
    counters[:] = 0
    left = np.zeros((e.adders, outputs.shape[2]), np.int64)
    value = np.zeros((e.adders, outputs.shape[2]), np.int64)
    for n in range(d.tokens):
        q = m.tokens[n] if d.use_list else n
        for g in range(d.groups):
            word = d.source_base + (q * d.groups + g) * d.source_stride + head * d.head_words
            keys[n * d.groups + g] = _unpack(e, m.spikes, word + d.key_offset, left)
            _unpack(e, m.spikes, word + d.value_offset, value)
            for a in range(e.adders):
                for i in range(left.shape[1]):
                    if left[a, i]:
                        counters[g, i, a] += value[a]
    for n in range(d.tokens):
        q = m.tokens[n] if d.use_list else n
        for g in range(d.groups):
            word = d.source_base + (q * d.groups + g) * d.source_stride + head * d.head_words
            visit = n * d.groups + g
            queries[visit] = _unpack(e, m.spikes, word, left)
            for a in range(e.adders):
                for i in range(left.shape[1]):
                    if left[a, i]:
                        outputs[visit, a] += counters[g, i, a]
