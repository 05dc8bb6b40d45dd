"""What `train` and `prune` do around the stages: data, log, plot, interruption."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sparsespike.cli.inputs import read_images, require_size
from sparsespike.cli.progress import Advance, progress
from sparsespike.cli.training_display import TrainingDisplay
from sparsespike.cli.training_options import TrainingOptions
from sparsespike.contract.errors import ContractError
from sparsespike.contract.files import save_atomically

if TYPE_CHECKING:
    from model.data import ImageSet
    from model.epoch_log import EpochLog
    from model.interrupt import Interrupt
    from model.network import Spikformer
    from model.pixels import PixelScale
    from model.recipe import Cycle, Recipe
    from model.run_folder import RunFolder
    from model.stages import Run
    from model.train import EpochResult

INTERRUPTED = 130
PLOT = "training.svg"


@dataclass(frozen=True, eq=False)
class TrainingSession:
    """A run under way, the test images where the data set has some, and the bar."""

    run: "Run"
    test: "ImageSet | None"
    advance: Advance

    def require_test(self) -> "ImageSet":
        """The test images; ContractError without any."""
        if self.test is None:
            raise ContractError("--data: has no test images; use a data set that has both parts")
        return self.test

    def show(self, what: str) -> Callable[[int, int], None]:
        """A function that moves the bar of a step called `what`: (done, total)."""
        return lambda done, total: self.advance(done, total, what)


@contextmanager
def training_session(
    options: TrainingOptions,
    recipe: "Recipe",
    folder: "RunFolder",
    stages: "Mapping[str, Cycle]",
    pixels: "PixelScale",
) -> Iterator[TrainingSession]:
    """A run into `folder`; its epochs are shown, those of `stages` logged and plotted.

    SIGINT and SIGTERM end it with exit code 130, once what must be saved is saved.
    """
    import reports.training_plot  # noqa: F401  # where matplotlib is missing, that shows now
    from model.epoch_log import EpochLog
    from model.stages import Run

    with interruptible() as interrupt:
        train, test = _read_data(options, recipe)
        with folder.locked(), progress("train", total=1) as advance:
            log = EpochLog(folder.path)
            display = TrainingDisplay(stages, recipe.network.time_steps, advance)

            def report(stage: str, result: "EpochResult", network: "Spikformer") -> None:
                planned = stage in stages
                accuracy = _record(log, run, stage, result, network, test) if planned else None
                if not result.earlier:
                    display.epoch(stage, result, accuracy)
                    if planned and result.epoch + 1 == stages[stage].epochs:
                        draw(folder.path)

            run = Run(
                recipe,
                train,
                pixels,
                folder.path,
                options.seed,
                options.machine(),
                report=report,
                progress=display.step,
                interrupt=interrupt,
            )
            yield TrainingSession(run, test, advance)


@contextmanager
def interruptible() -> Iterator["Interrupt"]:
    """Turn SIGINT and SIGTERM into exit code 130."""
    from model.interrupt import Interrupt

    interrupt = Interrupt()
    try:
        with interrupt.handled():
            yield interrupt
    except BaseException as error:
        # A compiler that the same Ctrl-C ended fails in its own way.
        if not isinstance(error, KeyboardInterrupt) and not interrupt.requested:
            raise
        typer.echo("interrupted: saved, the same command goes on from here", err=True)
        raise typer.Exit(INTERRUPTED) from None


def draw(folder: Path) -> None:
    """Plot the log of a training folder into it."""
    import pandas as pd

    from model.epoch_log import EPOCHS, LAYERS
    from reports.training_plot import plot_training

    figure = plot_training(pd.read_parquet(folder / EPOCHS), pd.read_parquet(folder / LAYERS))
    save_atomically(folder / PLOT, lambda path: figure.savefig(path, metadata={"Date": None}))


def _read_data(options: TrainingOptions, recipe: "Recipe") -> "tuple[ImageSet, ImageSet | None]":
    """Training and test images, checked to fit the recipe's network and cut as asked."""
    from model.data import has_split

    with progress("read data"):
        train = read_images(options.data, "train")
        test = read_images(options.data, "test") if has_split(options.data, "test") else None
    for part in (train, test):
        if part is not None:
            require_size(part, recipe.network, str(options.data))
            _require_labels(part, recipe.network.classes, options.data)
    if options.images is not None:
        train = train.first(options.images)
    if test is not None and options.test_images is not None:
        test = test.first(options.test_images)
    return train, test


def _record(
    log: "EpochLog",
    run: "Run",
    stage: str,
    result: "EpochResult",
    network: "Spikformer",
    test: "ImageSet | None",
) -> float | None:
    """Log an epoch, measured unless an earlier process ended it; returns its test accuracy."""
    from model.epoch_measure import measure_epoch
    from model.pipeline import measured_selection

    if result.earlier and log.has(stage, result.epoch):
        return None
    figures: dict[str, float | None] = {
        "time_steps": network.config.time_steps,
        "loss": result.loss,
        "accuracy_train": result.accuracy,
        "seconds": result.seconds,
        "learning_rate": result.rate,
    }
    if result.earlier:  # its network is gone, and its log as well
        log.add(stage, result.epoch, figures, {})
        return None
    selection = measured_selection(stage)
    measured = measure_epoch(
        network, run.pixels, test=test, probe=test or run.data, selection=selection
    )
    figures["accuracy_test"] = measured.accuracy
    figures["weight_sparsity"] = measured.weight_sparsity
    log.add(stage, result.epoch, figures, measured.layers)
    return measured.accuracy


def _require_labels(images: "ImageSet", classes: int, path: Path) -> None:
    lowest, highest = int(images.labels.min()), int(images.labels.max())
    if lowest < 0:
        raise ContractError(f"data {path}: some images have no label; use one folder per class")
    if highest >= classes:
        raise ContractError(
            f"data {path}: has a label {highest}, the recipe's network has {classes} classes; "
            "choose another recipe or correct network.classes"
        )
