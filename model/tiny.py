"""The test network `tiny`: every kind of operator, in an image of 8 x 8.

It takes less than 5,000 cycles on the engine `micro`, so that slow RTL simulators can run it.
"""

from model.random_network import random_integer_network
from sparsespike.contract.network import IntegerNetwork, NetworkConfig

TINY = NetworkConfig(
    time_steps=4,
    image_size=8,
    dim=16,
    depth=1,
    heads=2,
    stem_pools=(True, True, False, False),
    selector_blocks=(0,),
    keep_ratio=0.7,
    mlp_ratio=2,
)


def make_tiny() -> IntegerNetwork:
    """The network as shipped in model/zoo/tiny.int8.npz."""
    return random_integer_network(TINY, weight_density=0.2, seed=1)
