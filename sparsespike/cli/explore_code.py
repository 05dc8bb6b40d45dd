"""The version of the code that decides what a design point evaluates to."""

import hashlib
import importlib.metadata
from importlib import resources

_PACKAGES = ("sparsespike.contract", "sparsespike.compiler", "sim")
"""Energy prices and resources are applied to the stored counters later, so they are not here."""


def code_version() -> str:
    """SHA-256 (hex) of the sources of contract, compiler and simulator, and of NumPy's version."""
    digest = hashlib.sha256(importlib.metadata.version("numpy").encode())
    for package in _PACKAGES:
        for file in sorted(resources.files(package).iterdir(), key=lambda file: file.name):
            if file.name.endswith(".py"):
                digest.update(f"{package}/{file.name}\n".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()
