"""The options that `train` and `prune` share, and what they ask for, checked."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sparsespike.cli.options import whole_number
from sparsespike.cli.output import require_writable_directory, require_writable_file
from sparsespike.contract.errors import ContractError

if TYPE_CHECKING:
    from model.train import Machine

DEFAULT_RECIPE = "nano"
DEVICES = ("cpu", "cuda")
_LARGEST_SEED = 2047  # model.train tells no more runs apart
_BFLOAT16_UNITS = {"amx_bf16", "avx512_bf16", "bf16"}

RecipeOption = Annotated[
    str, typer.Option("--recipe", metavar="NAME|FILE", help="Recipe preset, or a TOML file.")
]
TrainingDataOption = Annotated[
    Path, typer.Option("--data", metavar="PATH", help="A data set with training images.")
]
OutOption = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="Folder of this training; holds all its files.")
]
SeedOption = Annotated[
    int, typer.Option("--seed", metavar="N", parser=whole_number, help="Seed of every draw.")
]
DeviceOption = Annotated[
    str, typer.Option("--device", metavar="cpu|cuda", help="Where the network is trained.")
]
Bf16Option = Annotated[
    bool | None,
    typer.Option(
        "--bf16/--no-bf16",
        help="Multiply in bfloat16. Default: where the processor has units for it.",
        show_default=False,
    ),
]
CompileOption = Annotated[
    bool | None,
    typer.Option(
        "--compile/--no-compile",
        help="Compile the network: minutes first, then faster. Default: where there is a C++ "
        "compiler, except in trials (--images, --max-epochs).",
        show_default=False,
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option("--threads", metavar="N", parser=whole_number, help="Threads of the processor."),
]
TrainingImagesOption = Annotated[
    int | None,
    typer.Option(
        "--images", metavar="N", parser=whole_number, help="Train on the first N images: a trial."
    ),
]
MaxEpochsOption = Annotated[
    int | None,
    typer.Option(
        "--max-epochs", metavar="N", parser=whole_number, help="Cut every cycle to N: a trial."
    ),
]
TestImagesOption = Annotated[
    int | None,
    typer.Option(
        "--test-images", metavar="N", parser=whole_number, help="Measure the first N test images."
    ),
]


@dataclass(frozen=True)
class TrainingOptions:
    """What both commands were asked; None is what was not given."""

    recipe: str
    data: Path
    out: Path
    seed: int
    device: str
    bf16: bool | None
    compiled: bool | None
    threads: int | None
    images: int | None
    max_epochs: int | None
    test_images: int | None
    json_file: Path | None

    def check(self) -> None:
        """Refuse what can be refused without torch and without reading a data set."""
        if self.device not in DEVICES:
            message = f"'{self.device}' is not one of {', '.join(DEVICES)}"
            raise typer.BadParameter(message, param_hint="--device")
        for name, least in (("threads", 1), ("images", 1), ("max_epochs", 1), ("test_images", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                option = f"--{name.replace('_', '-')}"
                raise typer.BadParameter(f"{value} must be at least {least}", param_hint=option)
        if not 0 <= self.seed <= _LARGEST_SEED:
            message = f"{self.seed} must lie in 0..{_LARGEST_SEED}"
            raise typer.BadParameter(message, param_hint="--seed")
        if not self.data.exists():
            raise ContractError(f"--data {self.data}: no such file or folder; name a data set")
        require_writable_directory(self.out, option="--out")
        if self.json_file is not None:
            require_writable_file(self.json_file, option="--json")

    def machine(self) -> "Machine":
        """Device, precision and compilation; sets torch's threads. ContractError without CUDA."""
        import torch

        from model.train import Machine

        if self.device == "cuda" and not torch.cuda.is_available():
            raise ContractError(
                f"--device cuda: torch {torch.__version__} finds no CUDA device; use --device cpu"
            )
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        return Machine(self.device, self._low_precision(), self._compiled())

    def _low_precision(self) -> bool:
        if self.bf16 is not None:
            return self.bf16
        return self.device == "cuda" or bool(_BFLOAT16_UNITS & _processor_flags())

    def _compiled(self) -> bool:
        if self.compiled is not None:
            return self.compiled
        trial = self.images is not None or self.max_epochs is not None
        return not trial and any(map(shutil.which, ("g++", "clang++", "c++")))


def _processor_flags() -> set[str]:
    """What the first processor can do, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return next(
        (set(x.split()) for x in lines if x.lower().startswith(("flags", "features"))), set()
    )
