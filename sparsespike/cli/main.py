"""Entry point of ``sparsespike``: the command table and the exit codes.

Exit codes: 0 done, 1 a check failed, 2 bad input (one line on stderr, ``error: ...``),
130 interrupted.
"""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from sparsespike import __version__
from sparsespike.cli import (
    board,
    compile_program,
    cosim,
    doctor,
    evaluate,
    explore,
    import_checkpoint,
    listing,
    prune,
    quantize,
    report,
    schema,
    simulate,
    synth,
    train,
    verilog,
)
from sparsespike.cli.messages import user_message

app = typer.Typer(
    name="sparsespike",
    help="A pruned spiking transformer in; verified sparse hardware, cycles and energy out.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("train")(train.command)
app.command("prune")(prune.command)
app.command("evaluate")(evaluate.command)
app.command("import")(import_checkpoint.command)
app.command("quantize")(quantize.command)
app.command("compile")(compile_program.command)
app.command("simulate")(simulate.command)
app.command("verilog")(verilog.command)
app.command("synth")(synth.command)
app.command("board")(board.command)
app.command("cosim")(cosim.command)
app.command("explore")(explore.command)
app.command("report")(report.command)
app.command("doctor")(doctor.command)
app.command("list")(listing.command)
app.command("schema")(schema.command)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"sparsespike {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors of the program itself propagate."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(args=words, prog_name="sparsespike", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        print("error: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output went away (`sparsespike ... | head`): nothing to report.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        message = user_message(error)
        if message is None:
            raise
        print(f"error: {message}", file=sys.stderr)
        return 2
    return code if isinstance(code, int) else 0
