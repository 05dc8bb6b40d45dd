"""Which tensor every layer reads, how it walks it, and where its results go."""

from __future__ import annotations

from dataclasses import dataclass

from sparsespike.contract import numeric
from sparsespike.contract.network import NetworkConfig
from sparsespike.contract.program import Accumulate, Output

IMAGE = "image"
"""The input tensor in the spike memory."""
STEM = "conv3"
"""The count tensor that conv3 writes and rpe reads."""
RESIDUAL = "residual"
"""The count tensor x that rpe writes and proj and fc2 update in place."""
COUNT_TENSORS = (STEM, RESIDUAL)


@dataclass(frozen=True, kw_only=True)
class Flow:
    """One layer's walk.

    Attributes:
        source, target: names of tensors; target is None for selectors and the head.
        tokens: positions walked; stored: positions of the target (after pooling).
        size: edge of the map a convolution walks, 1 otherwise.
        input_max: highest input: 1 for spikes, the bound of x for counts, 255 for pixels.
        output: `Output` of a matmul, accumulate: when its lanes hand over.
    """

    name: str
    kind: str
    source: str
    target: str | None
    tokens: int
    stored: int = 0
    size: int = 1
    pool: bool = False
    use_list: bool = False
    input_max: int = 1
    output: Output = Output.SPIKE
    accumulate: Accumulate = Accumulate.GROUP

    @property
    def pixel(self) -> bool:
        """It reads the image."""
        return self.source == IMAGE

    @property
    def source_counts(self) -> bool:
        """It reads the count memory."""
        return self.source in COUNT_TENSORS

    @property
    def neighbours(self) -> int:
        """Positions read for one position written."""
        return 9 if self.kind == "conv" else 1

    @property
    def residual(self) -> bool:
        """Its spikes are added to x."""
        return self.target == RESIDUAL


def dataflow(config: NetworkConfig) -> tuple[Flow, ...]:
    """One `Flow` per layer, in the order of `config.layer_names()`."""
    flows = _stem(config)
    kept, use_list = config.kept_tokens(), False
    for block in range(config.depth):
        before = kept[block - 1] if block else config.tokens()
        if block in config.selector_blocks:
            index = config.selector_blocks.index(block)
            flows.append(_selector(index, before, block, use_list))
            use_list = True
        flows += _block(config, block, kept[block], use_list)
    flows.append(
        Flow(
            name="head",
            kind="head",
            source=RESIDUAL,
            target=None,
            tokens=kept[-1],
            use_list=use_list,
            input_max=numeric.residual_max(config.depth),
            output=Output.HEAD,
            accumulate=Accumulate.ALL,
        )
    )
    return tuple(flows)


def _stem(config: NetworkConfig) -> list[Flow]:
    flows = []
    source = IMAGE
    for index, (size, after) in enumerate(config.feature_sizes()):
        name = f"conv{index}"
        flow = Flow(
            name=name,
            kind="conv",
            source=source,
            target=name,
            tokens=size * size,
            stored=after * after,
            size=size,
            pool=config.stem_pools[index],
            input_max=255 if source == IMAGE else 1,
            output=Output.COUNT if name == STEM else Output.SPIKE,
        )
        flows.append(flow)
        source = name
    rpe = Flow(
        name="rpe",
        kind="conv",
        source=STEM,
        target=RESIDUAL,
        tokens=config.tokens(),
        stored=config.tokens(),
        size=config.grid(),
        output=Output.COUNT,
    )
    return [*flows, rpe]


def _selector(index: int, tokens: int, block: int, use_list: bool) -> Flow:
    return Flow(
        name=f"selector.{index}",
        kind="selector",
        source=RESIDUAL,
        target=None,
        tokens=tokens,
        use_list=use_list,
        input_max=numeric.residual_max(block),
        output=Output.SCORE,
        accumulate=Accumulate.TOKEN,
    )


def _block(config: NetworkConfig, block: int, tokens: int, use_list: bool) -> list[Flow]:
    x_max = numeric.residual_max(block)
    qkv, attn, proj, fc1, fc2 = (
        f"block.{block}.{part}" for part in ("qkv", "attn", "proj", "fc1", "fc2")
    )

    def flow(
        name: str,
        source: str,
        target: str,
        input_max: int = 1,
        kind: str = "linear",
        output: Output = Output.SPIKE,
    ) -> Flow:
        return Flow(
            name=name,
            kind=kind,
            source=source,
            target=target,
            tokens=tokens,
            stored=config.tokens(),
            use_list=use_list,
            input_max=input_max,
            output=output,
        )

    return [
        flow(qkv, RESIDUAL, qkv, x_max),
        flow(attn, qkv, attn, kind="attention"),
        flow(proj, attn, RESIDUAL, output=Output.COUNT),
        flow(fc1, RESIDUAL, fc1, x_max + 1),
        flow(fc2, fc1, RESIDUAL, output=Output.COUNT),
    ]
