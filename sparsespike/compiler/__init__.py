"""The compiler: an integer network and an engine -> a Program, or one line that says why not."""

from sparsespike.compiler.passes import compile_network

__all__ = ["compile_network"]
