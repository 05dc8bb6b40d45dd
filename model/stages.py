"""The stages of a recipe, each resumable from its own snapshot in the run's folder."""

import copy
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from model.data import ImageSet
from model.interrupt import Interrupt
from model.network import Selection, Spikformer
from model.pixels import PixelScale
from model.recipe import Cycle, Recipe
from model.snapshot import save_snapshot
from model.train import EpochResult, Machine, Masks, TrainConfig, train

EpochReport = Callable[[str, EpochResult, Spikformer], None]
"""Called after each epoch with the stage's name, its figures and the network."""

StepProgress = Callable[[str, int, int], None]
"""Called with the stage's name, steps done and steps in all."""


@dataclass(frozen=True, eq=False)
class Run:
    """What the stages of one run share. folder: holds the snapshots, one a stage.

    interrupt: whose request ends a stage after the step under way, its snapshot saved.
    """

    recipe: Recipe
    data: ImageSet
    pixels: PixelScale
    folder: Path
    seed: int = 0
    machine: Machine = field(default_factory=Machine)
    report: EpochReport | None = None
    progress: StepProgress | None = None
    interrupt: Interrupt = field(default_factory=Interrupt)

    def stage(
        self,
        name: str,
        network: Spikformer,
        cycle: Cycle,
        *,
        selection: Selection = "all",
        masks: Masks | None = None,
        teacher: Spikformer | None = None,
        keep: tuple[int, Path] | None = None,
    ) -> None:
        """Train `network` in place for one cycle.

        keep: an epoch and a file that receives the weights before it. The other arguments are
        those of `train`.
        """
        full = network.config.time_steps
        steps = cycle.time_steps or full
        learner = network if steps == full else retimed(network, steps)

        def report(result: EpochResult) -> None:
            if self.report:
                self.report(name, result, learner)

        def progress(done: int, total: int) -> None:
            if self.progress:
                self.progress(name, done, total)

        def save_weights() -> None:
            if keep is not None:
                save_snapshot(retimed(learner, full).state_dict(), keep[1])

        with self.interrupt.deferred():
            train(
                learner,
                self.data,
                self.pixels,
                self._config(name, cycle, selection),
                machine=self.machine,
                masks=masks,
                teacher=teacher,
                checkpoint=self.folder / f"{name}.pt",
                keep=None if keep is None else (keep[0], save_weights),
                report=report,
                progress=progress,
                stop=lambda: self.interrupt.requested,
            )
        if learner is not network:
            network.load_state_dict(retimed(learner, full).state_dict())

    def _config(self, name: str, cycle: Cycle, selection: Selection) -> TrainConfig:
        shared = self.recipe.training
        return TrainConfig(
            epochs=cycle.epochs,
            rate=cycle.rate,
            batch=shared.batch,
            weight_decay=shared.weight_decay,
            label_smoothing=shared.label_smoothing,
            mixup=shared.mixup,
            augment=shared.augment,
            selection=selection,
            seed=_stage_seed(self.seed, name),
        )


def retimed(network: Spikformer, steps: int) -> Spikformer:
    """A copy of `network` that runs `steps` time steps, firing on the same least current.

    A constant current i drives a membrane to i * (1 - 2^-T) in T steps, so currents are scaled
    by the ratio of the two: gain and bias of every batch norm, and the attention's scale.
    """
    config = network.config
    factor = (1 - 0.5**config.time_steps) / (1 - 0.5**steps)
    scale = config.attention_scale * factor
    other = Spikformer(config.model_copy(update={"time_steps": steps, "attention_scale": scale}))
    other.predictor = copy.deepcopy(network.predictor).cpu()
    other.load_state_dict(network.state_dict())
    with torch.no_grad():
        for norm in other.modules():
            if isinstance(norm, (nn.BatchNorm1d, nn.BatchNorm2d)):
                norm.weight.mul_(factor)
                norm.bias.mul_(factor)
    return other


def _stage_seed(seed: int, name: str) -> int:
    """The seed of the run above 31 bits that follow from it and the stage's name."""
    return (seed << 31) + (zlib.crc32(f"{seed} {name}".encode()) >> 1)
