"""Figures that others printed for CIFAR-10, with their source."""

from dataclasses import dataclass

MARKS = {
    "V": "read in the publication or its artefact",
    "D": "derived here from the network's shape",
}

_SPARSE, _DENSE = "SparseSpikformer", "Spikformer"
SOURCES = {
    _SPARSE: "ICASSP 2024, arXiv 2311.08806",
    _DENSE: "ICLR 2023, arXiv 2209.15425",
}


@dataclass(frozen=True)
class Published:
    """One network on CIFAR-10, 4 time steps. accuracy and zeros (among the weights): percent.

    dim, depth: width and number of blocks. keep_ratio: rho of its three selectors, 1 without.
    gflops: dense MAC x T in units of 1e9; None where none is printed. source: of SOURCES.
    mark: of MARKS.
    """

    what: str
    dim: int
    depth: int
    keep_ratio: float
    zeros: float
    accuracy: float
    gflops: float | None
    source: str
    mark: str


PUBLISHED = (
    Published("Spikformer, dense", 384, 4, 1.0, 0, 95.19, None, _DENSE, "V"),
    Published("Spikformer, dense", 384, 2, 1.0, 0, 94.80, None, _DENSE, "V"),
    Published("Spikformer, dense", 256, 4, 1.0, 0, 93.94, None, _DENSE, "V"),
    Published("Spikformer, trained again", 384, 4, 1.0, 0, 94.95, 3.74, _SPARSE, "V"),
    Published("tokens dropped", 384, 4, 0.9, 0, 95.22, 3.44, _SPARSE, "V"),
    Published("tokens dropped", 384, 4, 0.7, 0, 95.01, 3.04, _SPARSE, "V"),
    Published("tokens dropped", 384, 4, 0.5, 0, 94.77, 2.75, _SPARSE, "V"),
    Published("tokens dropped at random", 384, 4, 0.7, 0, 94.07, 3.04, _SPARSE, "V"),
    Published("tokens and weights", 384, 4, 0.7, 73.26, 95.28, 3.04, _SPARSE, "V"),
    Published("tokens and weights", 384, 4, 0.7, 88.74, 95.06, 3.04, _SPARSE, "V"),
    Published("tokens and weights", 384, 4, 0.7, 93.90, 94.97, 3.04, _SPARSE, "V"),
)

FIRING = (14.92, "Prosperity, HPCA 2025, arXiv 2503.03379, artefact", "V")
"""Percent of ones among the spikes of a trained Spikformer-4-384 on CIFAR-10; source; mark."""
