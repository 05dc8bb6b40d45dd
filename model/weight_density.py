"""How many weights every tensor of a float network still has."""

import pandas as pd
from torch import nn

from model.prune import density_by_tensor
from model.tensor_labels import tensor_label


def weight_density(network: nn.Module) -> pd.DataFrame:
    """One row per weight tensor, in order of execution: layer, weights, nonzero (both counts)."""
    rows = [
        (tensor_label(tensor), size, nonzero)
        for tensor, (nonzero, size) in density_by_tensor(network).items()
    ]
    frame = pd.DataFrame(rows, columns=["layer", "weights", "nonzero"])
    return frame.sort_values("layer", key=_execution, kind="stable", ignore_index=True)


def _execution(layers: pd.Series) -> pd.Series:
    """Sort keys: the stem, then every block, the selectors, the head."""
    stages = ("conv", "rpe", "block", "selector", "head")
    return layers.map(lambda layer: next(i for i, s in enumerate(stages) if layer.startswith(s)))
