"""The resource model against engines and memories that were synthesised."""

import time

import pytest

from bench.resource_grid import BASE
from reports.engine_memories import EngineMemory
from reports.resource_features import BLOCKS, instances
from reports.resources import FITTED, estimate, memory_cost, tables
from sparsespike.contract.config import load_engine
from sparsespike.contract.errors import ContractError

SMALL = {name: value for name, value in BASE.items() if name != "lanes"}
# LUTs, flip-flops, block RAMs, multipliers as `sparsespike synth --target xc7` counts them.
SYNTHESISED = [
    (SMALL | {"lanes": 2}, 6891, 8580, 6.5, 9),
    (SMALL | {"lanes": 4}, 7849, 9474, 4.0, 9),
    (SMALL | {"lanes": 2, "lane_channels": 2}, 7413, 9134, 4.0, 9),
    (SMALL | {"lanes": 2, "digit_bits": 2}, 7084, 8646, 6.5, 9),
]
# Memories of hw/sparsespike_memory.sv, each put through Yosys alone.
MEMORIES = [
    ((32, 16, 1), 24, 32, 0.0),
    ((32, 64, 1), 44, 32, 0.0),
    ((152, 16, 1), 104, 152, 0.0),
    ((152, 64, 1), 204, 152, 0.0),
    ((1024, 64, 1), 1368, 1024, 0.0),
    ((128, 8, 2), 88, 128, 0.0),
    ((32, 128, 1), 0, 0, 0.5),
    ((32, 512, 1), 0, 0, 0.5),
    ((32, 1024, 1), 0, 0, 1.0),
    ((32, 2048, 1), 0, 0, 2.0),
    ((152, 128, 1), 0, 0, 2.5),
    ((152, 1024, 1), 0, 0, 4.5),
    ((152, 2048, 1), 0, 0, 8.5),
    ((128, 512, 4), 0, 0, 2.0),
    ((16, 4096, 1), 0, 0, 2.0),
]


@pytest.mark.parametrize("fields, lut, ff, bram, dsp", SYNTHESISED)
def test_the_model_is_near_what_was_synthesised(fields, lut, ff, bram, dsp):
    guess = estimate(load_engine("micro", **fields))
    assert guess.lut == pytest.approx(lut, rel=0.05)
    assert guess.ff == pytest.approx(ff, rel=0.05)
    assert guess.bram == pytest.approx(bram, abs=2)
    assert guess.dsp == pytest.approx(dsp, abs=1)


def test_what_was_not_fitted_is_refused():
    with pytest.raises(ContractError, match="lane_kind = serial has no resource model: choose"):
        estimate(load_engine("small", lane_kind="serial"))


@pytest.mark.parametrize("shape, lut, ff, bram", MEMORIES)
def test_memories_are_cut_as_yosys_cuts_them(shape, lut, ff, bram):
    width, depth, parts = shape
    memory = EngineMemory("lane", 1, width, depth, parts)
    cost = memory_cost(memory, tables()["xc7"]["memory"])
    # Yosys cuts parts one by one where they stand in LUTs: a few more at their edges.
    assert cost["lut"] == pytest.approx(lut, rel=0.02)
    assert (cost["ff"], cost["bram"]) == (ff, bram)


def test_more_of_anything_takes_no_less():
    base = load_engine("small")
    for change in ({"lanes": 16}, {"clusters": 8}, {"chunk": 32}, {"time_steps": 8}):
        more, less = estimate(load_engine("small", **change)), estimate(base)
        assert more.lut > less.lut
        assert more.ff > less.ff
        assert more.bram >= less.bram


def test_every_weight_belongs_to_a_column():
    engine = load_engine("small")
    for target, table in tables().items():
        assert set(table) == {*BLOCKS, "memory"}, target
        for block, columns in BLOCKS.items():
            assert set(table[block]) == set(FITTED)
            for weights in table[block].values():
                assert set(weights) <= set(columns(engine))
                assert all(weight > 0 for weight in weights.values())
            assert instances(block, engine) > 0


def test_an_unfitted_target_is_refused():
    with pytest.raises(ContractError, match="'xc6' has no resource model: choose one of xc7"):
        estimate(load_engine("micro"), target="xc6")


def test_it_takes_less_than_a_millisecond():
    engine = load_engine("large")
    estimate(engine)
    started = time.process_time()
    for _ in range(50):
        estimate(engine)
    assert time.process_time() - started < 0.05
