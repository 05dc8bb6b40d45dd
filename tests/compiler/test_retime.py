"""A retimed program is the one that the compiler makes."""

import numpy as np
import pytest

from model import zoo
from sparsespike.compiler import compile_network
from sparsespike.compiler.retime import retime
from sparsespike.contract.config import load_engine
from sparsespike.contract.timing import TIMING_FIELDS

OTHER = {"fifo_depth": 3, "memory_latency": 77, "memory_interval": 5, "clock_mhz": 41.5}


@pytest.fixture(scope="module")
def net():
    return zoo.load_integer("tiny")


@pytest.mark.parametrize("names", [[name] for name in TIMING_FIELDS] + [list(TIMING_FIELDS)])
@pytest.mark.parametrize("own", [{}, {"clusters": 4, "lanes": 3, "axi_data_bits": 128}])
def test_equals_a_compiled_program(net, names, own):
    first = compile_network(net, load_engine("micro", **own))
    engine = load_engine("micro", **own, **{name: OTHER[name] for name in names})
    expected = compile_network(net, engine)
    made = retime(first, engine)
    assert made.hash == expected.hash != first.hash
    assert np.array_equal(made.image, expected.image)
    assert made.header == expected.header
    assert made.engine == engine


def test_every_timing_field_is_tested():
    assert set(OTHER) == set(TIMING_FIELDS)


def test_refuses_an_engine_of_another_shape(net):
    program = compile_network(net, load_engine("micro"))
    with pytest.raises(ValueError, match="more than their timing"):
        retime(program, load_engine("micro", chunk=16))
