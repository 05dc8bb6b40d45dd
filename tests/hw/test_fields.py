"""Every field of an engine changes its netlist, or says why it need not, or is refused."""

import pytest
from amaranth.back import rtlil

from hw.engine import Engine
from sparsespike.contract.config import EngineConfig, load_engine

FIELDS = {
    "lanes": 1,
    "lane_channels": 1,
    "chunk": 8,
    "time_steps": 2,
    "mask_depth": 32,
    "weight_depth": 64,
    "spike_depth": 64,
    "count_depth": 32,
    "max_tokens": 8,
    "max_layers": 8,
    "max_classes": 8,
    "attention_units": 1,
    "head_slots": 8,
    "attention_depth": 8,
}
BASE = load_engine("micro", **FIELDS)
CHANGED = {
    "clusters": 2,
    "lanes": 2,
    "lane_channels": 2,
    "lane_kind": "serial",
    "chunk": 4,
    "fifo_depth": 3,
    "time_steps": 3,
    "weight_bits": 4,
    "axi_data_bits": 128,
    "mask_depth": 64,
    "weight_depth": 128,
    "spike_depth": 256,
    "count_depth": 128,
    "count_bits": 3,
    "digit_bits": 2,
    "max_tokens": 16,
    "max_layers": 16,
    "max_classes": 16,
    "head_slots": 16,
    "attention_depth": 16,
    "accumulator_bits": 20,
    "membrane_bits": 36,
}
SURROUNDINGS = {"memory_latency": 21, "memory_interval": 2, "clock_mhz": 50.0}
"""Memory and board around it: they change nothing in the circuit but its identity register."""


def netlist(engine, *, identity=False):
    """RTLIL of the engine; without its hash, unless that is what counts."""
    if not identity:
        engine.__dict__["hash"] = "0" * 64
    return rtlil.convert(Engine(engine), emit_src=False)


@pytest.fixture(scope="module")
def base():
    return netlist(BASE.model_copy())


def test_every_field_is_looked_at():
    fields = {*CHANGED, *SURROUNDINGS, "attention_units"}
    assert fields == set(EngineConfig.model_fields)
    assert not set(CHANGED) & set(SURROUNDINGS)


@pytest.mark.parametrize("field", CHANGED)
def test_a_field_changes_the_netlist(field, base):
    assert netlist(BASE.model_copy(update={field: CHANGED[field]})) != base


def test_attention_units_change_the_netlist():
    two = BASE.model_copy(update={"clusters": 2})
    assert netlist(two.model_copy()) != netlist(two.model_copy(update={"attention_units": 2}))


def test_surroundings_change_the_identity_alone(base):
    other = BASE.model_copy(update=SURROUNDINGS)
    assert other.hash != BASE.hash
    assert netlist(other.model_copy(), identity=True) != netlist(BASE.model_copy(), identity=True)
    assert netlist(other) == base
