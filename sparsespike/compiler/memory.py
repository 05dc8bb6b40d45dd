"""Where tensors lie in the two activation memories.

Spike tensors form a chain: each is read by one layer, which writes the next. Placed at the bottom
and at the top in turn, a layer's source and target never overlap, and the memory needs no more than
the largest pair. The stem's counts and x have a place each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sparsespike.compiler.dataflow import COUNT_TENSORS, IMAGE, RESIDUAL, STEM, Flow
from sparsespike.compiler.refuse import require
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


def place_tensors(
    engine: EngineConfig, flows: Sequence[Flow], sizes: Mapping[str, int]
) -> dict[str, int]:
    """First chunk word of each tensor, line-aligned.

    sizes: chunk words of each tensor, whole lines. Raises ContractError if a memory is too small.
    """
    return _place_spikes(engine, flows, sizes) | _place_counts(engine, sizes)


def _place_spikes(
    engine: EngineConfig, flows: Sequence[Flow], sizes: Mapping[str, int]
) -> dict[str, int]:
    peak, widest = 0, ""
    for flow in flows:
        live = {flow.source, flow.target} - {None, *COUNT_TENSORS}
        words = sum(sizes[name] for name in live if name is not None)
        if words > peak:
            peak, widest = words, flow.name
    per_line = derived.words_per_line(engine)
    require(f"layer {widest}", "spike memory (spike_depth, words)", peak,
            derived.spike_lines(engine) * per_line,
            f"raise spike_depth to {peak} or use a smaller network")  # fmt: skip
    chain = [IMAGE, *(flow.target for flow in flows)]
    spikes = [name for name in chain if name is not None and name not in COUNT_TENSORS]
    return {name: 0 if i % 2 == 0 else peak - sizes[name] for i, name in enumerate(spikes)}


def _place_counts(engine: EngineConfig, sizes: Mapping[str, int]) -> dict[str, int]:
    words = sizes[STEM] + sizes[RESIDUAL]
    require("layer rpe", "count memory (count_depth, words)", words,
            derived.count_lines(engine) * derived.words_per_line(engine),
            f"raise count_depth to {words} or use a smaller network")  # fmt: skip
    return {STEM: 0, RESIDUAL: sizes[STEM]}
