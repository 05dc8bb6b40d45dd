"""The three dialects of official checkpoints: how they spell tensors, what they leave unsaid.

Source: the published code of Spikformer and SparseSpikformer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from sparsespike.contract.errors import ContractError

_MLP_CONVOLUTION = re.compile(r"block\.\d+\.mlp\.fc[12]_conv\.weight")
_OTHER_KIND = {"_conv.": "_linear.", "_linear.": "_conv."}


@dataclass(frozen=True)
class Dialect:
    """What the authors' nets of one kind have in common and no tensor tells.

    channels: of the input. heads: the authors' number, in words. convolutions: the blocks' linear
    layers are stored as convolutions of width 1.
    """

    name: str
    channels: int
    heads: str
    time_steps: int
    image_size: int
    attention_scale: float
    stem_pools: tuple[bool, bool, bool, bool]
    convolutions: bool = True
    varying_input: bool = False

    def spell(self, name: str) -> str:
        """Our name of one of the file's tensors; of one of ours, the file's."""
        if not (self.convolutions and name.startswith("block.")):
            return name
        return re.sub(r"_conv\.|_linear\.", lambda match: _OTHER_KIND[match[0]], name)


_POOLS = (True, True, True, True)
CIFAR = Dialect(
    "CIFAR", 3, "12 for D = 384", 4, 32, 0.125, (False, False, True, True), convolutions=False
)
DVS = Dialect("DVS", 2, "16 for D = 256", 16, 128, 0.25, _POOLS, varying_input=True)
IMAGENET = Dialect("ImageNet", 3, "8 for D = 512", 4, 224, 0.125, _POOLS)


def dialect_of(state: Mapping[str, Tensor], where: str) -> Dialect:
    """The dialect that the MLP weights show; CIFAR where none is a convolution."""
    name = next(filter(_MLP_CONVOLUTION.fullmatch, state), None)
    if name is None:
        return CIFAR
    known = {3: DVS, 4: IMAGENET}
    if state[name].ndim not in known:
        raise ContractError(
            f"{where}: tensor {name} has {state[name].ndim} dimensions; expected 3 "
            "(Conv1d, DVS) or 4 (Conv2d, ImageNet)"
        )
    return known[state[name].ndim]
