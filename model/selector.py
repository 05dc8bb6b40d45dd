"""Token selector: which tokens go on into the next block.

Source: SparseSpikformer (arXiv 2311.08806), section 3.1; the predictor's names as in its code.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class TokenPredictor(nn.Module):
    """Two scores a token, keep and drop, from its mean over time."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        hidden = max(1, dim // 2)
        self.linear = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, 2))

    def layers(self) -> tuple[nn.Linear, nn.Linear]:
        """The hidden and the scoring layer."""
        return cast(nn.Linear, self.linear[0]), cast(nn.Linear, self.linear[2])

    def forward(self, x: Tensor) -> Tensor:
        """Counts (T, B, N, D) to log-probabilities (B, N, 2): keep, drop."""
        return functional.log_softmax(self.linear(x.mean(0)), dim=-1)


def sample_keep(log_probability: Tensor, keep: Tensor) -> Tensor:
    """Hard Gumbel-softmax decision (B, N) of 0 and 1; tokens dropped before stay dropped.

    log_probability: (B, N, 2). keep: (B, N), the decision of the selector before.
    """
    chosen = functional.gumbel_softmax(log_probability, hard=True, dim=-1)[..., 0]
    return chosen * keep


def top_tokens(log_probability: Tensor, count: int) -> Tensor:
    """Ascending positions int64 (B, count) of the best tokens; the lower position wins ties.

    log_probability: (B, N, 2); the score is keep minus drop.
    """
    score = log_probability[..., 0] - log_probability[..., 1]
    order = torch.argsort(score, dim=-1, descending=True, stable=True)
    return order[:, :count].sort(dim=-1).values


def gather_tokens(x: Tensor, positions: Tensor) -> Tensor:
    """Tokens of x (T, B, N, D) at positions (B, K): (T, B, K, D)."""
    index = positions[None, :, :, None].expand(x.shape[0], -1, -1, x.shape[-1])
    return x.gather(2, index)
