# ruff: noqa: D103
"""Fixtures shared by the co-simulation tests: programs, cases, and whether Icarus is here."""

import os

import pytest

from cocotb_tests.case import prepare
from cocotb_tests.tools import ToolMissingError, tool_version
from model.random_network import random_images
from model.zoo import load_integer, sample_images
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine


def _case(network_name, engine_name, images):
    network = load_integer(network_name)
    return prepare(network, compile_network(network, load_engine(engine_name)), images)


@pytest.fixture(scope="session")
def tiny_images():
    return random_images(load_integer("tiny").config, 2, seed=3)


@pytest.fixture
def tiny_case(tiny_images):
    """`tiny` on `micro`, two images; frames are placed by whoever runs it."""
    return _case("tiny", "micro", tiny_images)


@pytest.fixture(scope="session")
def nano_images():
    return sample_images().images[:2]


@pytest.fixture
def nano_case(nano_images, request):
    """`nano` on the preset that the test names."""
    return _case("nano", request.param, nano_images)


@pytest.fixture(scope="session")
def icarus():
    """Icarus, or a skip with the reason; a failure where CI=true."""
    try:
        return tool_version("icarus")
    except ToolMissingError as missing:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def block_simulator():
    """The simulator for single blocks: Icarus, which shows X, or Verilator where it is absent."""
    try:
        tool_version("icarus")
    except ToolMissingError:
        return "verilator"
    return "icarus"
