"""One form for every refusal: where, which buffer, what it needs, what there is, the remedy."""

from __future__ import annotations

from sparsespike.contract.errors import ContractError


def require(where: str, what: str, needs: int, has: int, remedy: str) -> None:
    """Raises ContractError if `needs` exceeds `has`; `remedy` says what to change."""
    if needs > has:
        raise ContractError(f"{where}: {what} needs {needs}, the engine has {has}; {remedy}")
