"""`sparsespike report`: one page with everything that a run tells, and its tables beside it."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from sparsespike.cli.inputs import load_engine_config, load_images, load_network
from sparsespike.cli.meta import meta
from sparsespike.cli.options import (
    DEFAULT_ENGINE,
    DEFAULT_NETWORK,
    DEFAULT_TECHNOLOGY,
    DataOption,
    EngineOption,
    ImagesOption,
    LanesOption,
    NetworkOption,
    TechnologyOption,
    whole_number,
)
from sparsespike.cli.output import (
    output_file,
    require_writable_directory,
    require_writable_file,
    write_json,
)
from sparsespike.cli.progress import progress
from sparsespike.cli.simulate_report import layer_results, measured_result
from sparsespike.contract.errors import ContractError
from sparsespike.contract.files import write_atomically


def command(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The page [build/report.html]."),
    ] = None,
    network: NetworkOption = DEFAULT_NETWORK,
    engine: EngineOption = DEFAULT_ENGINE,
    lanes: LanesOption = None,
    data: DataOption = None,
    images: ImagesOption = 4,
    technology: TechnologyOption = DEFAULT_TECHNOLOGY,
    accuracy_images: Annotated[
        int,
        typer.Option(
            "--accuracy-images",
            metavar="N",
            parser=whole_number,
            help="Images for accuracy against energy, at most; 0 leaves it out.",
        ),
    ] = 256,
    cosim: Annotated[
        Path | None,
        typer.Option("--cosim", metavar="FILE", help="JSON of `sparsespike cosim`, to be shown."),
    ] = None,
    note: Annotated[
        str,
        typer.Option(
            "--note",
            metavar="TEXT",
            help="What a reader must know before comparing this network, for instance "
            "'random ticket, not trained'.",
        ),
    ] = "",
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Also write the page's figures as JSON."),
    ] = None,
) -> None:
    """Simulate, measure and write an HTML page, the same as Markdown, and every table.

    Example: sparsespike report --network nano --images 4 --cosim build/cosim.json
    """
    page = output_file(output, default="report.html")
    tables = page.with_name(f"{page.stem}-tables")
    require_writable_directory(tables, option="--output")
    if json_file is not None:
        require_writable_file(json_file, option="--json")
    check = None if cosim is None else _read_check(cosim)
    _require_packages()
    from reports.technology import load_technology
    from sparsespike.cli.report_runs import gather

    prices = load_technology(technology)
    config, net = load_engine_config(engine, lanes), load_network(network)
    chosen = load_images(data, images, net.config)
    everything = load_images(data, None, net.config)
    most = min(accuracy_images, len(everything.images))
    labelled = everything.first(most) if accuracy_images else None
    facts = meta(config_hash=config.hash, network_hash=net.content_hash())
    with progress("report: simulating the network and its variants"):
        report = gather(
            net, config, prices, name=network, images=chosen, labelled=labelled, facts=facts,
            check=check, note=note,
        )  # fmt: skip
    _write(report, page, tables)
    if json_file is not None:
        measured = report.measured
        figures = {
            "page": str(page),
            "quantities": measured.quantities.to_dict("records"),
            "energy_per_image_joule": measured.joule,
            **measured_result(measured),
            "layers": layer_results(measured),
        }
        write_json(json_file, {**figures, "meta": facts})


def _require_packages() -> None:
    try:
        import reports.page  # noqa: F401
    except ModuleNotFoundError as error:
        raise ContractError(
            f"report needs the package {error.name}: pip install 'sparsespike[report]'"
        ) from None


def _write(report: Any, page: Path, tables: Path) -> None:
    """The page, its Markdown and its tables; says where they are."""
    from reports.page import render_html, render_markdown, write_tables

    page.parent.mkdir(exist_ok=True)
    write_atomically(page, render_html(report).encode())
    write_atomically(page.with_suffix(".md"), render_markdown(report).encode())
    files = write_tables(report, tables)
    typer.echo(f"{page}")
    typer.echo(f"{page.with_suffix('.md')}")
    typer.echo(f"{tables}: {len(files)} files")


def _read_check(path: Path) -> dict[str, Any]:
    try:
        check = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ContractError(
            f"--cosim {path}: cannot be read ({error}): create it with "
            f"`sparsespike cosim --json {path}`"
        ) from None
    if not isinstance(check, dict) or not {"bit_exact", "cycle_exact", "layers"} <= check.keys():
        raise ContractError(
            f"--cosim {path}: not a result of `sparsespike cosim --json`: make it again"
        )
    return check
