"""`sparsespike explore`: from a space of engines and networks to its Pareto front."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from sparsespike.cli.meta import meta
from sparsespike.cli.options import DataOption, JsonOption, whole_number
from sparsespike.cli.output import (
    require_writable_directory,
    require_writable_file,
    write_json,
)
from sparsespike.contract.errors import ContractError

DEFAULT_SPACE = "quick"


def command(
    space: Annotated[
        str, typer.Argument(metavar="[NAME|SPACE.toml]", help="A shipped space, or a file.")
    ] = DEFAULT_SPACE,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Results are kept here [build/explore/NAME]."
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            "--trials", metavar="N", parser=whole_number, help="Points to evaluate; not for grids."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many points and minutes it takes.")
    ] = False,
    verify_front: Annotated[
        int,
        typer.Option(
            "--verify-front",
            metavar="N",
            parser=whole_number,
            help="Check N points of the front: RTL in Verilator against the simulator.",
        ),
    ] = 0,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            metavar="N",
            parser=whole_number,
            help="Local processes [one a core]; 0 works in this process.",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="ADDRESS", help="Dask scheduler of a cluster."),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            metavar="FILE|URL",
            help="Optuna storage: a journal file or database URL [DIR/study.journal].",
        ),
    ] = None,
    data: DataOption = None,
    json_file: JsonOption = None,
) -> None:
    """Evaluate the points of a space, resumable at any time, and report what is best.

    Exit code 1 if a point of the front fails its RTL check, or workers died and points are missing.

    Example: sparsespike explore quick --verify-front 3 --json front.json
    """
    _check_numbers(trials, verify_front, workers, scheduler)
    from reports.explore.space_file import load_space

    chosen = load_space(space)
    if trials is not None:
        if chosen.search.sampler == "grid":
            raise typer.BadParameter(
                f"{trials}: a grid takes all its points: choose another search.sampler",
                param_hint="--trials",
            )
        search = chosen.search.model_copy(update={"trials": trials})
        chosen = chosen.model_copy(update={"search": search})
    folder = output or Path("build/explore") / (chosen.name or "space")
    require_writable_directory(folder, option="--output")
    if json_file is not None:
        require_writable_file(json_file, option="--json")
    from sparsespike.cli.explore_run import Options, announce, explore

    options = Options(
        folder=folder, workers=workers, scheduler=scheduler, storage=storage, data=data,
        verify=verify_front,
    )  # fmt: skip
    if dry_run:
        plan = announce(chosen, options)
        if json_file is not None:
            write_json(
                json_file,
                {"points": plan.points, "known": plan.known, "minutes": plan.minutes,
                 "meta": meta(seed=chosen.search.seed)},
            )  # fmt: skip
        return
    started = time.perf_counter()
    result = explore(chosen, options)
    _print(result, time.perf_counter() - started)
    if json_file is not None:
        write_json(json_file, result)
    if result["lost"] or not all(check["exact"] for check in result["verified"]):
        raise typer.Exit(1)


def _check_numbers(
    trials: int | None, verify: int, workers: int | None, scheduler: str | None
) -> None:
    for option, value, least in (
        ("--trials", trials, 1),
        ("--verify-front", verify, 0),
        ("--workers", workers, 0),
    ):
        if value is not None and value < least:
            raise typer.BadParameter(f"{value}: must be at least {least}", param_hint=option)
    if workers is not None and scheduler is not None:
        raise ContractError(
            f"--workers {workers}: the scheduler {scheduler} has its own: give one of the two"
        )


def _print(result: dict[str, Any], seconds: float) -> None:
    rate = result["points_per_second"]
    speed = f", {rate:.1f} new points/s" if rate else ""
    typer.echo(
        f"{result['evaluated']:,} points: {result['new']:,} new, {result['reused']:,} known; "
        f"{result['infeasible']:,} infeasible; {seconds:.0f} s{speed}"
    )
    typer.echo(f"Pareto front: {len(result['pareto'])} points")
    best = result["best"]
    if best is None:
        typer.echo("no point keeps the limits")
    else:
        names = ("fps", "energy_uj", "lut", "bram", "accuracy_drop")
        shown = (f"{name} {best[name]:,.4g}" for name in names if best[name] is not None)
        typer.echo(f"best within the limits: point {best['point']}: {', '.join(shown)}")
    for check in result["verified"]:
        verdict = "bit- and cycle-exact" if check["exact"] else "DIFFERS"
        typer.echo(f"point {check['point']} on RTL: {verdict}, {check['cycles_rtl']:,} cycles")
    if result["lost"]:
        typer.echo(f"{result['lost']} points lost with their workers: run the same command again")
    typer.echo(f"page: {result['page']}; table: {result['table']}")
