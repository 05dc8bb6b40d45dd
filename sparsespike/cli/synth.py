"""`sparsespike synth`: what an engine takes of an FPGA, and how fast it is there."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from sparsespike.cli.inputs import load_engine_config
from sparsespike.cli.meta import meta
from sparsespike.cli.options import (
    DEFAULT_ENGINE,
    EngineOption,
    JsonOption,
    LanesOption,
    whole_number,
)
from sparsespike.cli.output import require_writable_directory, require_writable_file, write_json
from sparsespike.cli.progress import progress
from sparsespike.contract.errors import ContractError


def command(
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="NAME",
            help="generic, ecp5-25k, ecp5-45k, ecp5-85k, xc7 or xcup.",
        ),
    ] = "ecp5-85k",
    engine: EngineOption = DEFAULT_ENGINE,
    lanes: LanesOption = None,
    seeds: Annotated[
        int,
        typer.Option(
            "--seeds",
            metavar="N",
            parser=whole_number,
            help="Placements to take the median Fmax of (ECP5 only); 0: count resources only.",
        ),
    ] = 1,
    build_dir: Annotated[
        Path, typer.Option("--build-dir", metavar="DIR", help="Folder of finished work.")
    ] = Path("build/synth"),
    json_file: JsonOption = None,
) -> None:
    """Count LUTs, flip-flops, block RAMs and multipliers by block; on ECP5, place and route.

    Whatever is finished is kept in --build-dir: an interrupted run goes on where it stopped.

    Example: sparsespike synth --target ecp5-85k --engine micro --seeds 3
    """
    if json_file is not None:
        require_writable_file(json_file, option="--json")
    require_writable_directory(build_dir, option="--build-dir")
    if seeds < 0:
        raise ContractError(f"--seeds {seeds}: must be at least 0: give 1 or more to place")
    from hw.flow.targets import find_target

    chosen = find_target(target)
    config = load_engine_config(engine, lanes)
    try:
        result = _run(config, chosen, seeds if chosen.routable else 0, build_dir)
    except _tool_errors() as error:
        raise ContractError(f"{error} (see `sparsespike doctor`)") from error
    _print(result)
    if json_file is not None:
        write_json(json_file, {**result, "meta": meta(config_hash=config.hash)})


def _tool_errors() -> tuple[type[Exception], ...]:
    from hw.flow.yosys import MissingToolError

    return (MissingToolError,)


def _run(config: Any, target: Any, seeds: int, cache: Path) -> dict[str, Any]:
    from hw.flow.harness import HARNESS, harness_verilog
    from hw.flow.route import place_and_route
    from hw.flow.synthesis import synthesize
    from hw.generate import engine_verilog

    with progress(f"synth: {target.name}", total=1) as advance:
        verilog = engine_verilog(config)
        synthesis = synthesize(verilog, target, cache=cache, progress=advance)
    routes: list[Any] = []
    if seeds:
        with progress(f"synth: {target.name}, placing", total=seeds) as advance:
            routes = place_and_route(
                verilog + harness_verilog(config),
                HARNESS,
                target,
                seeds=seeds,
                clock_mhz=config.clock_mhz,
                cache=cache,
                progress=advance,
            )
    return _result(config, target, synthesis, routes)


def _result(config: Any, target: Any, synthesis: Any, routes: list[Any]) -> dict[str, Any]:
    from dataclasses import asdict

    from hw.flow.route import median_mhz

    total, lanes = synthesis.total, config.clusters * config.lanes
    best = max(routes, key=lambda route: route.fmax_mhz) if routes else None
    return {
        "target": target.name,
        **asdict(total),
        "fmax_mhz": median_mhz(routes) if routes else None,
        "fmax_best_mhz": best.fmax_mhz if best else None,
        "lut_inputs": target.lut_inputs,
        "bram_kbit": target.bram_kbit,
        "lut_per_lane": synthesis.block("lane").total.lut / lanes,
        "tool": synthesis.tool,
        "blocks": [
            {"name": block.name, "instances": block.instances, **asdict(block.total)}
            for block in synthesis.blocks
        ],
        "utilization": {
            name: {"used": used, "available": available}
            for name, (used, available) in (best.utilization if best else {}).items()
        },
        "seeds": [{"seed": route.seed, "fmax_mhz": route.fmax_mhz} for route in routes],
        "critical_path": asdict(best.path) if best else None,
    }


def _print(result: dict[str, Any]) -> None:
    table = Table("block", "instances", "LUT", "FF", "BRAM", "DSP")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in [*result["blocks"], {"name": "all", "instances": "", **result}]:
        cells = [f"{row[name]:,.4g}" if name == "bram" else f"{row[name]:,.0f}" for name in _SHOWN]
        table.add_row(row["name"], str(row["instances"]), *cells)
    console = Console()
    console.print(table)
    typer.echo(
        f"{result['target']}: LUTs of {result['lut_inputs']} inputs, block RAMs of "
        f"{result['bram_kbit']:g} kbit; {result['lut_per_lane']:.0f} LUTs a lane"
    )
    for name, pair in result["utilization"].items():
        share = pair["used"] / pair["available"]
        typer.echo(f"{name}: {pair['used']:,} of {pair['available']:,} ({share:.0%})")
    path = result["critical_path"]
    if path is None:
        typer.echo("Fmax: not known: no open tool places for this target, or --seeds is 0")
        return
    typer.echo(
        f"Fmax: {result['fmax_mhz']:.1f} MHz (median of {len(result['seeds'])} seeds), best "
        f"{result['fmax_best_mhz']:.1f} MHz"
    )
    typer.echo(
        f"critical path: {' -> '.join(path['blocks'])}: {path['logic_ns']:.1f} ns logic, "
        f"{path['routing_ns']:.1f} ns routing, {path['levels']} cells\n"
        f"  from {path['start']}\n  to   {path['end']}"
    )


_SHOWN = ("lut", "ff", "bram", "dsp")
