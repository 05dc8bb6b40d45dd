"""sparsespike: a pruned spiking transformer in; verified sparse hardware out."""

__version__ = "0.1.0"
