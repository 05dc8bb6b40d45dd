"""Lottery tickets: global pruning by magnitude in rounds, with rewinding.

Source: Frankle and Carbin (ICLR 2019); rewinding of weights to an early epoch (arXiv 1903.01611)
or of the learning rate only (Renda et al., ICLR 2020); SparseSpikformer, section 3.2.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from model.network import Spikformer, prunable
from model.train import Masks, hold_zeros

DENSITY_FLOOR = 0.03
"""No weight tensor keeps a smaller share than this, so that no layer empties."""

SMALL_SHARE = 0.015
"""A tensor with less than this share of all weights is small: pruning it saves next to nothing."""


Score = Literal["magnitude", "lamp"]
"""What ranks the weights of all tensors together: |w|, or w^2 over the sum of the squares of all
weights of its tensor that are no smaller (LAMP; Lee et al., ICLR 2021, equation 4)."""


@dataclass(frozen=True)
class PruneConfig:
    """Rounds of pruning: after each, `rate` of the remaining weights is gone, until `sparsity`.

    rewind: "weights" goes back to the early weights before retraining, "rate" only restarts the
    learning-rate cycle.
    """

    sparsity: float
    rate: float = 0.25
    floor: float = DENSITY_FLOOR
    small_floor: float = DENSITY_FLOOR
    rewind: Literal["weights", "rate"] = "weights"
    score: Score = "magnitude"

    def __post_init__(self) -> None:
        for name in ("sparsity", "rate"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} must lie between 0 and 1, not {getattr(self, name)}")

    def rounds(self) -> tuple[float, ...]:
        """Sparsity after each round, ascending; the last is `sparsity`."""
        levels, density = [], 1.0
        while density * (1 - self.rate) > (1 - self.sparsity) * 1.02:
            density *= 1 - self.rate
            levels.append(1 - density)
        return (*levels, self.sparsity)


def magnitude_masks(
    network: nn.Module,
    sparsity: float,
    floor: float = DENSITY_FLOOR,
    small_floor: float = DENSITY_FLOOR,
    score: Score = "magnitude",
) -> Masks:
    """Masks that keep the weights of the highest score in all, at least `floor` of each tensor.

    small_floor: the same for tensors below SMALL_SHARE of all weights, such as the first
    convolution, where a few lost weights starve the whole network. The share of zeros is at least
    `sparsity` over all weights of two or more dimensions.
    """
    ranking = torch.Tensor.abs if score == "magnitude" else lamp
    weights = {name: ranking(p.detach().flatten()) for name, p in prunable(network).items()}
    total = sum(w.numel() for w in weights.values())
    keep_total = math.floor((1 - sparsity) * total)
    ranked = {}
    for name, weight in weights.items():
        share = small_floor if weight.numel() < SMALL_SHARE * total else floor
        least = max(1, math.ceil(share * weight.numel()))
        weight[weight.topk(least).indices] = torch.inf
        ranked[name] = weight
    scores = torch.cat(list(ranked.values()))
    chosen = torch.zeros(len(scores), dtype=torch.bool)
    chosen[scores.topk(max(keep_total, int(scores.isinf().sum()))).indices] = True
    parts = chosen.split([w.numel() for w in weights.values()])
    return {
        name: part.view_as(p)
        for (name, p), part in zip(prunable(network).items(), parts, strict=True)
    }


def lamp(weight: Tensor) -> Tensor:
    """LAMP scores of one tensor's weights, both of shape (n,): 0..1, 1 for the largest weight.

    Scores compare across tensors, whatever the scale of each, which the batch norm after it makes
    up for: magnitudes do not.
    """
    squares = weight.double().square()
    ascending = squares.sort(stable=True)
    no_smaller = ascending.values.flip(0).cumsum(0).flip(0)
    scores = torch.zeros_like(squares)
    scores[ascending.indices] = torch.where(
        ascending.values > 0, ascending.values / no_smaller, 0.0
    )
    return scores


def weight_sparsity(network: nn.Module) -> float:
    """Zeros among all weights of two or more dimensions, 0..1."""
    counts = density_by_tensor(network)
    total = sum(size for _, size in counts.values())
    return 1 - sum(nonzero for nonzero, _ in counts.values()) / total


def density_by_tensor(network: nn.Module) -> dict[str, tuple[int, int]]:
    """Per weight tensor: (non-zeros, elements)."""
    return {name: (int(p.count_nonzero()), p.numel()) for name, p in prunable(network).items()}


def lottery_ticket(
    network: Spikformer,
    early: dict[str, Tensor],
    config: PruneConfig,
    retrain: Callable[[int, Masks], None],
) -> Masks:
    """Prune and retrain the trained `network` in place, round by round; returns the last masks.

    early: state dict of the early epoch. retrain(round, masks) trains the network in place.
    """
    masks: Masks = {}
    for index, sparsity in enumerate(config.rounds()):
        masks = magnitude_masks(network, sparsity, config.floor, config.small_floor, config.score)
        if config.rewind == "weights":
            network.load_state_dict(copy.deepcopy(early))
        hold_zeros(network, masks)
        retrain(index, masks)
    return masks
