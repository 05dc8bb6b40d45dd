"""The network in PyTorch: float training, pruning, quantisation and the integer golden model."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model.classifier import load_checkpoint

__all__ = ["load_checkpoint"]


def __getattr__(name: str) -> Any:
    """`load_checkpoint`, found when first used: importing the package stays cheap."""
    if name == "load_checkpoint":
        from model.classifier import load_checkpoint

        return load_checkpoint
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
