"""What a training shows: a bar where stderr is a terminal, and a line an epoch everywhere."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import typer

from sparsespike.cli.progress import Advance

if TYPE_CHECKING:
    from model.recipe import Cycle
    from model.train import EpochResult


class TrainingDisplay:
    """Prints on stderr. stages: all that the command will run; time_steps: of the network."""

    def __init__(self, stages: "Mapping[str, Cycle]", time_steps: int, advance: Advance) -> None:
        self._stages, self._time_steps, self._advance = stages, time_steps, advance
        self._names = list(stages)

    def step(self, stage: str, done: int, total: int) -> None:
        """Move the bar of `stage`."""
        known = stage in self._stages
        place = f" ({self._names.index(stage) + 1}/{len(self._names)})" if known else ""
        self._advance(done, total, f"{stage}{place}")

    def epoch(self, stage: str, result: "EpochResult", accuracy: float | None) -> None:
        """Print one finished epoch; accuracy: on test images, None without any."""
        cycle = self._stages.get(stage)
        of = "" if cycle is None else f"/{cycle.epochs}"
        parts = [
            f"{stage}  epoch {result.epoch + 1}{of}",
            f"loss {result.loss:.4f}",
            f"train {result.accuracy:.2%}",
            *([] if accuracy is None else [f"test {accuracy:.2%}"]),
            f"{result.seconds:.1f} s",
            *([] if cycle is None else [f"{duration(self._left(stage, result))} left"]),
        ]
        typer.echo("  ".join(parts), err=True)

    def _left(self, stage: str, result: "EpochResult") -> float:
        """Seconds that all epochs to come will take, if each costs by its time steps."""
        now = self._stages[stage]
        ahead = (now.epochs - result.epoch - 1) * self._cost(now)
        for name in self._names[self._names.index(stage) + 1 :]:
            ahead += self._stages[name].epochs * self._cost(self._stages[name])
        return ahead * result.seconds / self._cost(now)

    def _cost(self, cycle: "Cycle") -> int:
        return cycle.time_steps or self._time_steps


def duration(seconds: float) -> str:
    """A time that a person can read: 40 s, 12 min, 3 h 20 min."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
