"""Options that several commands share, so that they read the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer


def whole_number(text: str) -> int:
    """The integer that `text` spells; BadParameter with the value otherwise."""
    try:
        return int(text)
    except ValueError:
        message = f"'{text}' is not a whole number: use digits only"
        raise typer.BadParameter(message) from None


def decimal_number(text: str) -> float:
    """The number that `text` spells; BadParameter with the value otherwise."""
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is not a number: give one such as 0.7") from None


EngineOption = Annotated[
    str,
    typer.Option("--engine", metavar="NAME|FILE", help="Engine preset, or a (partial) TOML file."),
]
NetworkOption = Annotated[
    str,
    typer.Option("--network", metavar="NAME|FILE", help="Network of the zoo, or a network file."),
]
OptionalEngineOption = Annotated[
    str | None,
    typer.Option("--engine", metavar="NAME|FILE", help="Engine preset or TOML file [small]."),
]
OptionalNetworkOption = Annotated[
    str | None,
    typer.Option("--network", metavar="NAME|FILE", help="Network of the zoo or a file [nano]."),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="PATH",
        help="A data set, or a folder of PNGs. Default: the shipped sample images.",
    ),
]
ImagesOption = Annotated[
    int | None,
    typer.Option(
        "--images", metavar="N", parser=whole_number, help="The first N images, unshuffled."
    ),
]
JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Also write the result as JSON to FILE."),
]
LanesOption = Annotated[
    int | None,
    typer.Option(
        "--lanes",
        metavar="N",
        parser=whole_number,
        help="Override the engine's lanes per cluster.",
    ),
]
TuneOption = Annotated[
    int | None,
    typer.Option(
        "--tune",
        metavar="N",
        parser=whole_number,
        help="Choose channel order and bands by profiling and simulating the first N images.",
    ),
]
TechnologyOption = Annotated[
    str,
    typer.Option(
        "--technology", metavar="NAME|FILE", help="Energy table, shipped or your own TOML file."
    ),
]

DEFAULT_ENGINE = "small"
DEFAULT_NETWORK = "nano"
DEFAULT_TECHNOLOGY = "horowitz-45nm"
