"""Training of the float network: one stage at one learning-rate cycle, resumable by epoch."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.data import ImageSet
from model.network import NetworkOutput, Selection, Spikformer
from model.pixels import PixelScale

RATIO_WEIGHT = 2.0
TEACHER_WEIGHT = 0.5
"""Loss weights of keep-ratio error and KL to the teacher (arXiv 2311.08806, section 3.3)."""


@dataclass(frozen=True)
class TrainConfig:
    """One stage: `epochs` passes of AdamW, linear warm-up then cosine decay to zero."""

    epochs: int
    batch: int = 128
    rate: float = 2e-3
    warmup: float = 0.1
    weight_decay: float = 0.02
    label_smoothing: float = 0.1
    selection: Selection = "all"
    seed: int = 0
    low_precision: bool = False
    compiled: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}")


@dataclass(frozen=True)
class EpochResult:
    """What one epoch measured: mean loss, training accuracy 0..1, wall seconds."""

    epoch: int
    loss: float
    accuracy: float
    seconds: float


Masks = dict[str, Tensor]
"""Per weight name a bool tensor of its shape: True where the weight may be non-zero."""


def train(
    network: Spikformer,
    data: ImageSet,
    pixels: PixelScale,
    config: TrainConfig,
    *,
    masks: Masks | None = None,
    teacher: nn.Module | None = None,
    checkpoint: Path | None = None,
    report: Callable[[EpochResult], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[EpochResult]:
    """Train in place for one stage; with `checkpoint`, save after each epoch and resume from it.

    masks: weights held at zero. teacher: a dense network to imitate, or None.
    report: called after each epoch. progress: called with (steps done, steps in all).
    """
    images, labels = torch.from_numpy(data.images), torch.from_numpy(data.labels)
    network.patch_embed.to_channels_last()
    optimizer = torch.optim.AdamW(_parameter_groups(network, config.weight_decay), lr=config.rate)
    first = _resume(checkpoint, network, optimizer)
    run = torch.compile(network) if config.compiled else network
    steps = len(images) // config.batch
    results = []
    for epoch in range(first, config.epochs):
        torch.manual_seed(config.seed * 1000 + epoch)
        network.train()
        start, loss_sum, correct = time.monotonic(), 0.0, 0
        for step, (raw, target) in enumerate(_batches(images, labels, config.batch)):
            _set_rate(optimizer, config, (epoch + step / steps) / config.epochs)
            inputs = pixels.normalize(raw)
            with torch.autocast("cpu", torch.bfloat16, enabled=config.low_precision):
                output = run(inputs, config.selection)
            loss = _loss(network, output, target, config, teacher, inputs)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            hold_zeros(network, masks)
            loss_sum += loss.item()
            correct += int((output.logits.argmax(1) == target).sum())
            if progress:
                progress(epoch * steps + step + 1, config.epochs * steps)
        seconds = time.monotonic() - start
        accuracy = correct / (steps * config.batch)
        results.append(EpochResult(epoch, loss_sum / steps, accuracy, seconds))
        _save(checkpoint, network, optimizer, epoch + 1)
        if report:
            report(results[-1])
    return results


def hold_zeros(network: nn.Module, masks: Masks | None) -> None:
    """Set every masked weight to zero."""
    if masks:
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if name in masks:
                    parameter.mul_(masks[name])


def _parameter_groups(network: nn.Module, decay: float) -> list[dict[str, object]]:
    matrices = [p for p in network.parameters() if p.ndim >= 2]
    vectors = [p for p in network.parameters() if p.ndim < 2]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]


def _set_rate(optimizer: torch.optim.Optimizer, config: TrainConfig, progress: float) -> None:
    if progress < config.warmup:
        factor = (progress + 1e-3) / config.warmup
    else:
        factor = 0.5 + 0.5 * math.cos(math.pi * (progress - config.warmup) / (1 - config.warmup))
    for group in optimizer.param_groups:
        group["lr"] = config.rate * min(1.0, factor)


def _batches(images: Tensor, labels: Tensor, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffled full batches, augmented: uint8 (batch, H, W, C), int64 (batch,)."""
    order = torch.randperm(len(images))
    for start in range(0, len(images) - batch + 1, batch):
        chosen = order[start : start + batch]
        yield augment(images[chosen]), labels[chosen]


def augment(images: Tensor, border: int = 4) -> Tensor:
    """Random shifts by up to `border` pixels (edges reflected) and flips of (B, H, W, C)."""
    count, height, width, _ = images.shape
    border = min(border, height - 1, width - 1)
    planes = images.permute(0, 3, 1, 2).float()
    padded = functional.pad(planes, (border,) * 4, mode="reflect")
    padded = padded.to(torch.uint8).permute(0, 2, 3, 1)
    rows = torch.randint(0, 2 * border + 1, (count, 1)) + torch.arange(height)
    columns = torch.randint(0, 2 * border + 1, (count, 1)) + torch.arange(width)
    flipped = torch.rand(count, 1) < 0.5
    columns = torch.where(flipped, columns.flip(1), columns)
    return padded[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]


def _loss(
    network: Spikformer,
    output: NetworkOutput,
    target: Tensor,
    config: TrainConfig,
    teacher: nn.Module | None,
    inputs: Tensor,
) -> Tensor:
    logits = output.logits.float()
    loss = functional.cross_entropy(logits, target, label_smoothing=config.label_smoothing)
    if config.selection == "sample" and len(output.keep_fractions):
        ratio = network.config.keep_ratio
        wanted = ratio ** torch.arange(1, 1 + len(output.keep_fractions))
        loss = loss + RATIO_WEIGHT * (output.keep_fractions - wanted).square().mean()
    if teacher is not None:
        with torch.no_grad():
            expected = functional.log_softmax(teacher(inputs, "all").logits.float(), 1)
        given = functional.log_softmax(logits, 1)
        loss = loss + TEACHER_WEIGHT * functional.kl_div(
            given, expected, reduction="batchmean", log_target=True
        )
    return loss


def _save(
    path: Path | None, network: nn.Module, optimizer: torch.optim.Optimizer, epoch: int
) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        state = {
            "epoch": epoch,
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
        }
        torch.save(state, partial)
        partial.replace(path)


def _resume(path: Path | None, network: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    if path is None or not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["epoch"])
