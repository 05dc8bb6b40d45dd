"""`sparsespike doctor`: what this machine lacks, and the line that installs it."""

from dataclasses import asdict

import typer
from rich.console import Console
from rich.table import Table

from sparsespike.cli.checks import Check, all_checks
from sparsespike.cli.meta import meta
from sparsespike.cli.options import JsonOption
from sparsespike.cli.output import require_writable_file, write_json


def command(json_file: JsonOption = None) -> None:
    """Check that this machine has what the commands need; exit code 1 if something is missing.

    Example: sparsespike doctor
    """
    if json_file is not None:
        require_writable_file(json_file, option="--json")
    checks = all_checks()
    console = Console()
    console.print(_table(checks))
    for check in checks:
        if not check.ok:
            kind = "missing" if check.required else "optional"
            console.print(f"{kind}: {check.name}: {check.remedy}", soft_wrap=True, markup=False)
    healthy = all(check.ok for check in checks if check.required)
    if json_file is not None:
        rows = [{**asdict(check), "ok": check.ok} for check in checks]
        write_json(json_file, {"healthy": healthy, "checks": rows, "meta": meta()})
    if not healthy:
        raise typer.Exit(1)


def _table(checks: list[Check]) -> Table:
    table = Table("part", "needed by", "state", "found")
    for check in checks:
        state = "ok" if check.ok else "MISSING" if check.required else "absent"
        table.add_row(check.name, check.needed_by, state, check.found or "")
    return table
