"""What training minimises: classes, share of tokens kept, likeness to a teacher."""

import torch
from torch import Tensor
from torch.nn import functional

from model.network import NetworkOutput

RATIO_WEIGHT = 2.0
TEACHER_WEIGHT = 0.5
"""Loss weights of keep-ratio error and KL to the teacher (arXiv 2311.08806, section 3.3)."""


def training_loss(
    output: NetworkOutput,
    target: Tensor,
    *,
    label_smoothing: float,
    keep_ratio: float | None,
    taught: Tensor | None,
) -> Tensor:
    """Cross-entropy, keep-ratio error and divergence from the teacher, a mean over the batch.

    target: class probabilities (B, classes). keep_ratio: what each selector should keep of the
    tokens that the one before it kept; None where selectors do not learn. taught: the teacher's
    logits (B, classes), or None.
    """
    logits = output.logits.float()
    loss = functional.cross_entropy(logits, target, label_smoothing=label_smoothing)
    if keep_ratio is not None and len(output.keep_fractions):
        powers = torch.arange(1, 1 + len(output.keep_fractions), device=logits.device)
        loss = loss + RATIO_WEIGHT * (output.keep_fractions - keep_ratio**powers).square().mean()
    if taught is not None:
        given, wanted = functional.log_softmax(logits, 1), functional.log_softmax(taught, 1)
        divergence = functional.kl_div(given, wanted, reduction="batchmean", log_target=True)
        loss = loss + TEACHER_WEIGHT * divergence
    return loss
