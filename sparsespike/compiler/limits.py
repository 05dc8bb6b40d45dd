"""What follows from shapes alone: the sizes of the network against those of the engine."""

from __future__ import annotations

from sparsespike.compiler.refuse import require
from sparsespike.compiler.storage import head_slots
from sparsespike.contract import derived, numeric
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.network import NetworkConfig


def check_limits(engine: EngineConfig, config: NetworkConfig) -> None:
    """Raises ContractError, one line, for the first size of `config` that `engine` lacks."""
    _check_network(engine, config)
    _check_attention(engine, config)


def _check_network(engine: EngineConfig, config: NetworkConfig) -> None:
    layers = len(config.layer_names())
    counts = numeric.unsigned_bits(numeric.residual_max(config.depth))
    smaller = "use a smaller network"
    for where, what, needs, has, remedy in (
        ("network", "weights (weight_bits)", config.weight_bits, engine.weight_bits,
         f"raise weight_bits to {config.weight_bits} or quantize with fewer"),
        ("network", "time_steps", config.time_steps, derived.MAX_TIME_STEPS,
         "train with fewer time_steps"),
        ("network", "descriptor memory (max_layers)", layers, engine.max_layers,
         f"raise max_layers to {layers}"),
        ("layer conv0", "pixel channels", config.in_channels, derived.PIXEL_BYTES,
         f"use at most {derived.PIXEL_BYTES} in_channels"),
        ("layer rpe", "token list (max_tokens)", config.tokens(), engine.max_tokens,
         f"raise max_tokens to {config.tokens()} or {smaller}"),
        ("layer head", "logit memory (max_classes)", config.classes, engine.max_classes,
         f"raise max_classes to {config.classes}"),
        (f"layer block.{config.depth - 1}.fc2", "count bits (count_bits)", counts,
         engine.count_bits, f"raise count_bits to {counts} or use fewer blocks"),
    ):  # fmt: skip
        require(where, what, needs, has, remedy)


def _check_attention(engine: EngineConfig, config: NetworkConfig) -> None:
    slots = head_slots(engine, config.dim // config.heads)
    depth = slots * derived.step_groups(engine, config.time_steps)
    more = "or use more heads"
    require("layer block.0.attn", "head slots (head_slots)", slots, engine.head_slots,
            f"raise head_slots to {slots} {more}")  # fmt: skip
    require("layer block.0.attn", "K^T V counters (attention_depth)", depth,
            engine.attention_depth, f"raise attention_depth to {depth} {more}")  # fmt: skip
