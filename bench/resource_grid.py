"""The engines that the resource model is fitted to, and others that it is tested on."""

from __future__ import annotations

import random
from typing import Any

from sparsespike.contract.config import EngineConfig, load_engine

BASE: dict[str, Any] = {
    "lanes": 2,
    "lane_channels": 1,
    "chunk": 8,
    "time_steps": 2,
    "mask_depth": 32,
    "weight_depth": 256,
    "spike_depth": 1024,
    "count_depth": 256,
    "max_tokens": 16,
    "max_layers": 8,
    "max_classes": 16,
    "head_slots": 8,
    "attention_depth": 8,
}
_CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"lanes": 1},
    {"lanes": 4},
    {"lanes": 8},
    {"chunk": 4},
    {"chunk": 16},
    {"chunk": 32, "head_slots": 32},
    {"time_steps": 1},
    {"time_steps": 4},
    {"time_steps": 8},
    {"fifo_depth": 16},
    {"lane_channels": 2},
    {"lane_channels": 2, "lanes": 8, "chunk": 16, "time_steps": 4},
    {"digit_bits": 2},
    {"digit_bits": 2, "lane_channels": 2, "lanes": 4, "chunk": 16, "time_steps": 4},
    {"axi_data_bits": 128},
    {"clusters": 2},
    {"clusters": 4, "attention_units": 2},
    {"head_slots": 32, "attention_depth": 32},
    {"head_slots": 64, "attention_depth": 64, "max_tokens": 64},
    {"count_bits": 2},
    {"accumulator_bits": 16},
    {"membrane_bits": 40},
    {"weight_bits": 4},
    {"mask_depth": 128, "weight_depth": 1024},
    {"max_tokens": 64, "max_classes": 128, "max_layers": 32},
    {"lanes": 8, "chunk": 16, "time_steps": 4, "clusters": 2},
    {"lanes": 4, "chunk": 16, "time_steps": 4, "head_slots": 16, "attention_depth": 16},
    {
        "lanes": 4,
        "chunk": 32,
        "axi_data_bits": 128,
        "time_steps": 4,
        "head_slots": 32,
        "attention_depth": 32,
        "weight_depth": 1024,
        "mask_depth": 128,
        "fifo_depth": 16,
    },
)
_CHOICES: dict[str, tuple[Any, ...]] = {
    "clusters": (1, 1, 2, 3),
    "lanes": (1, 2, 3, 4, 6),
    "lane_channels": (1, 1, 2),
    "digit_bits": (1, 1, 2),
    "chunk": (4, 8, 16, 32),
    "time_steps": (1, 2, 3, 4),
    "fifo_depth": (2, 4, 8),
    "axi_data_bits": (64, 64, 128),
    "weight_bits": (4, 8),
    "count_bits": (3, 4),
    "accumulator_bits": (16, 20, 24),
    "membrane_bits": (28, 32, 36),
    "head_slots": (8, 16, 32),
    "attention_depth": (8, 16, 32),
    "max_tokens": (16, 32, 64),
    "mask_depth": (32, 64, 96),
    "weight_depth": (128, 256, 512),
    "spike_depth": (512, 1024, 2048),
}


def _engine(fields: dict[str, Any]) -> EngineConfig:
    return load_engine("micro", **(BASE | fields))


def _random(seed: int) -> EngineConfig:
    rng = random.Random(seed)
    return _engine({name: rng.choice(values) for name, values in _CHOICES.items()})


TRAINING: tuple[EngineConfig, ...] = tuple(_engine(fields) for fields in _CHANGES)
HELD_OUT: tuple[EngineConfig, ...] = tuple(_random(seed) for seed in range(1, 13))
