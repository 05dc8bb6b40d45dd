"""Training of the float network: one stage, one learning-rate cycle, resumable at any step."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.augment import Augmentation, augmentation, mix
from model.data import ImageSet
from model.loss import training_loss
from model.network import Selection, Spikformer
from model.pixels import PixelScale
from model.snapshot import load_snapshot, save_snapshot
from sparsespike.contract.errors import ContractError

SAVE_SECONDS = 60.0
GRADIENT_NORM = 5.0


@dataclass(frozen=True)
class TrainConfig:
    """One stage: `epochs` passes of AdamW, linear warm-up then cosine decay to zero.

    warmup: share of the stage. mixup: alpha of its Beta distribution, 0 for none.
    """

    epochs: int
    batch: int = 128
    rate: float = 2e-3
    warmup: float = 0.1
    weight_decay: float = 0.02
    label_smoothing: float = 0.1
    mixup: float = 0.0
    augment: Augmentation = "light"
    selection: Selection = "all"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}")


@dataclass(frozen=True)
class Machine:
    """Where and how to train: device, bfloat16 products, compiled network."""

    device: str = "cpu"
    low_precision: bool = False
    compiled: bool = False


@dataclass(frozen=True)
class EpochResult:
    """What one epoch measured: mean loss, training accuracy 0..1, wall seconds.

    rate: learning rate of its last step. earlier: reported again after a resumption, when the
    network has moved on.
    """

    epoch: int
    loss: float
    accuracy: float
    seconds: float
    rate: float = 0.0
    earlier: bool = False


Masks = dict[str, Tensor]
"""Per weight name a bool tensor of its shape: True where the weight may be non-zero."""


@dataclass
class _Epoch:
    """Running sums of the epoch under way."""

    loss: float = 0.0
    correct: int = 0
    seconds: float = 0.0

    def result(self, epoch: int, steps: int, images: int, rate: float) -> EpochResult:
        """What the epoch measured, over all its steps and images."""
        return EpochResult(epoch, self.loss / steps, self.correct / images, self.seconds, rate)


def train(
    network: Spikformer,
    data: ImageSet,
    pixels: PixelScale,
    config: TrainConfig,
    *,
    machine: Machine | None = None,
    masks: Masks | None = None,
    teacher: nn.Module | None = None,
    checkpoint: Path | None = None,
    keep: tuple[int, Callable[[], None]] | None = None,
    report: Callable[[EpochResult], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> list[EpochResult]:
    """Train in place for one stage; with `checkpoint`, save every minute and resume from it.

    A resumed stage gives what an uninterrupted one gives, on the same machine: every random
    draw follows from seed and step. masks: weights held at zero. teacher: a dense network to
    imitate, or None. keep: an epoch and what is done with the weights before it. report: called
    after each epoch, before it is saved, also for those of an earlier run. progress: called with
    (steps done, steps in all). stop: asked after each step; if true, saves and raises
    KeyboardInterrupt. Leaves the networks on the CPU. ContractError for less than one batch.
    """
    machine = machine or Machine()
    steps = _steps(len(data.images), config.batch)
    images = torch.from_numpy(data.images).to(machine.device)
    labels = torch.from_numpy(data.labels).to(machine.device)
    network.patch_embed.to_channels_last()
    network.to(machine.device).train()
    masks = {name: mask.to(machine.device) for name, mask in (masks or {}).items()}
    optimizer = torch.optim.AdamW(_parameter_groups(network, config.weight_decay), lr=config.rate)
    learner = _Learner(network, optimizer, pixels, config, machine, masks, teacher)
    first, sums, results = _resume(checkpoint, network, optimizer)
    for result in results:
        if report:
            report(replace(result, earlier=True))
    saved = time.monotonic()
    try:
        for step in range(first, config.epochs * steps):
            start = time.monotonic()
            if keep is not None and step == keep[0] * steps:
                keep[1]()
            epoch, index = divmod(step, steps)
            chosen = _order(config, epoch, len(images))[index * config.batch :][: config.batch]
            chosen = chosen.to(machine.device)
            learner.step(step, config.epochs * steps, images[chosen], labels[chosen], sums)
            sums.seconds += time.monotonic() - start
            if index == steps - 1:
                rate = optimizer.param_groups[0]["lr"]
                results.append(sums.result(epoch, steps, steps * config.batch, rate))
                sums = _Epoch()
                if report:
                    report(results[-1])
                    network.train()
            if progress:
                progress(step + 1, config.epochs * steps)
            stopping = stop is not None and stop()
            if stopping or index == steps - 1 or time.monotonic() - saved > SAVE_SECONDS:
                _save(checkpoint, network, optimizer, step + 1, sums, results)
                saved = time.monotonic()
            if stopping:
                raise KeyboardInterrupt
    finally:
        for each in (network, teacher):
            if each is not None:
                each.to("cpu")
    return results


class _Learner:
    """One optimiser step at a time."""

    def __init__(
        self,
        network: Spikformer,
        optimizer: torch.optim.Optimizer,
        pixels: PixelScale,
        config: TrainConfig,
        machine: Machine,
        masks: Masks,
        teacher: nn.Module | None,
    ) -> None:
        self._network, self._optimizer = network, optimizer
        self._pixels, self._config, self._machine = pixels, config, machine
        self._masks = masks
        self._teacher = None if teacher is None else _runnable(teacher.eval(), machine)
        self._augment = augmentation(config.augment, network.config.image_size)
        self._run = _runnable(network, machine)

    def step(self, step: int, total: int, raw: Tensor, labels: Tensor, sums: _Epoch) -> None:
        """Step `step` of `total` on raw uint8 (B, H, W, C) and labels (B,); adds to `sums`."""
        config = self._config
        torch.manual_seed(_mixed(config.seed, step))
        _set_rate(self._optimizer, config, step / total)
        inputs = self._pixels.normalize_planes(self._augment(raw))
        target = functional.one_hot(labels, self._network.config.classes).float()
        inputs, target = mix(inputs, target, config.mixup)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        with torch.autocast(inputs.device.type, torch.bfloat16, self._machine.low_precision):
            output = self._run(inputs, config.selection)
            taught = self._taught(inputs)
        loss = training_loss(
            output,
            target,
            label_smoothing=config.label_smoothing,
            keep_ratio=self._network.config.keep_ratio if config.selection == "sample" else None,
            taught=taught,
        )
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), GRADIENT_NORM)
        self._optimizer.step()
        hold_zeros(self._network, self._masks)
        sums.loss += loss.item()
        sums.correct += int((output.logits.argmax(1) == labels).sum())

    def _taught(self, inputs: Tensor) -> Tensor | None:
        if self._teacher is None:
            return None
        with torch.no_grad():
            return self._teacher(inputs, "all").logits.float()


def _runnable(network: nn.Module, machine: Machine) -> nn.Module:
    placed = network.to(machine.device)
    return cast(nn.Module, torch.compile(placed)) if machine.compiled else placed


def hold_zeros(network: nn.Module, masks: Masks | None) -> None:
    """Set every masked weight to zero."""
    if masks:
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if name in masks:
                    parameter.mul_(masks[name])


def _steps(images: int, batch: int) -> int:
    """Whole batches in an epoch; ContractError if there are none."""
    if images < batch:
        raise ContractError(
            f"data: {images} images are less than one batch of {batch}; "
            "give more images or a smaller training.batch"
        )
    return images // batch


def _mixed(seed: int, step: int) -> int:
    """A seed for one step; `seed` holds the run's number above the 31 bits of the stage.

    A generator on the CPU reads the lowest 32 bits only. There the steps of a stage differ up to
    2^20, runs up to 2,048, and stages by one bit.
    """
    run, stage = divmod(seed, 2**31)
    return (stage << 31) + (run << 20) + step


def _order(config: TrainConfig, epoch: int, count: int) -> Tensor:
    generator = torch.Generator().manual_seed(_mixed(config.seed, epoch))
    return torch.randperm(count, generator=generator)


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


def _save(
    path: Path | None,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    step: int,
    sums: _Epoch,
    results: list[EpochResult],
) -> None:
    if path is not None:
        state: dict[str, Any] = {
            "step": step,
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "sums": vars(sums),
            "results": [vars(result) for result in results],
        }
        save_snapshot(state, path)


def _resume(
    path: Path | None, network: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[int, _Epoch, list[EpochResult]]:
    state = load_snapshot(path)
    if state is None:
        return 0, _Epoch(), []
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    results = [EpochResult(**row) for row in state["results"]]
    return int(state["step"]), _Epoch(**state["sums"]), results
