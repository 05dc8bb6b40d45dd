"""Pairs of random network and engine, drawn again from their numbers; needs no RTL."""

from __future__ import annotations

import numpy as np

from cocotb_tests.case import Case, prepare
from cocotb_tests.random_engines import LARGE, random_engine
from cocotb_tests.random_networks import random_case
from sparsespike.compiler import compile_network
from sparsespike.compiler.dataflow import dataflow
from sparsespike.compiler.mapping import possible_splits
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.errors import ContractError

FIRING_LIMITS = (0.02, 0.98)
_TRIES = 20
_FIRED = COUNTERS.index("spikes_fired")


def engine_of(seed: int, number: int, *, size: int = LARGE) -> EngineConfig:
    """Engine `number` of the random sequence `seed`."""
    return random_engine(np.random.default_rng([seed, number]), size=size)


def case_of(engine: EngineConfig, seed: int, number: int, pair: int) -> Case:
    """Pair `pair` of engine `number`: the first random network it can hold, mapped at random."""
    generator = np.random.default_rng([seed, number, pair])
    refusal = ""
    for _ in range(_TRIES):
        network, images = random_case(generator, engine)
        flows = [flow for flow in dataflow(network.config) if flow.kind != "attention"]
        bands = {x.name: 1 << int(generator.choice(possible_splits(engine, x))) for x in flows}
        try:
            program = compile_network(network, engine, bands=bands)
        except ContractError as error:
            refusal = str(error)
            continue
        return prepare(network, program, images)
    raise ContractError(f"engine {number} of seed {seed} holds no random network: {refusal}")


def firing_rates(case: Case) -> dict[str, float]:
    """Spikes a neuron and time step, of every layer that has neurons (before a pool)."""
    fired = case.simulated.counters[:, :, _FIRED].mean(0)
    rates = {}
    for layer, spikes in zip(case.program.layers, fired, strict=True):
        channels = int((layer.slot_channel >= 0).sum())
        descriptor = layer.descriptor
        if channels:
            rates[layer.name] = spikes / (channels * descriptor.tokens * descriptor.time_steps)
    return rates


def describe(engine: EngineConfig) -> str:
    """The drawn parameters of an engine in one line."""
    return (
        f"{engine.clusters}x{engine.lanes} lanes of {engine.lane_channels}, chunk {engine.chunk}, "
        f"FIFO {engine.fifo_depth}, "
        f"{engine.time_steps} adders, {engine.digit_bits}-bit digits of {engine.count_bits}, "
        f"{engine.weight_bits}-bit weights, "
        f"bus {engine.axi_data_bits}, latency {engine.memory_latency}, "
        f"interval {engine.memory_interval}"
    )
