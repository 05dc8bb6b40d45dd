"""The test network `tiny`: every kind of operator, in an image of 8 x 8."""

from model.random_network import random_integer_network
from sparsespike.contract.network import IntegerNetwork, NetworkConfig

TINY = NetworkConfig(time_steps=4, image_size=8, dim=16, depth=1, heads=2,
                     stem_pools=(False, False, False, True), selector_blocks=(0,), keep_ratio=0.7)


def make_tiny() -> IntegerNetwork:
    """The network as shipped in model/zoo/tiny.int8.npz."""
    return random_integer_network(TINY, weight_density=0.3, seed=1)
