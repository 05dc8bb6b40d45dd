"""What a density floor changes: global magnitude masks of one network with and without it."""

import pandas as pd
from torch import nn

from model.prune import DENSITY_FLOOR, magnitude_masks
from model.tensor_labels import tensor_label


def floor_effect(
    dense: nn.Module,
    sparsity: float,
    floor: float = DENSITY_FLOOR,
    small_floor: float = DENSITY_FLOOR,
) -> pd.DataFrame:
    """Rows (tensor, floor) of the masks of a dense network at one sparsity, in one step.

    floor, small_floor: as in `magnitude_masks`. Columns: layer, floor (0 and `floor`), weights,
    nonzero (weights that the mask keeps).
    """
    rows = [
        (tensor_label(tensor), least, mask.numel(), int(mask.count_nonzero()))
        for least, small in ((0.0, 0.0), (floor, small_floor))
        for tensor, mask in magnitude_masks(dense, sparsity, least, small).items()
    ]
    return pd.DataFrame(rows, columns=["layer", "floor", "weights", "nonzero"])
