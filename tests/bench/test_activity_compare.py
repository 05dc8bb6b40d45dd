"""The split of energy by nets, by hand; every instance of the engine in a block."""

import pytest

from bench.activity_compare import BLOCKS, block_of, block_table, component_table
from bench.activity_ports import port_table
from bench.blocks import write_block
from cocotb_tests.activity import ENGINE, Measured, MemoryPorts, Toggles
from cocotb_tests.saif import Activity
from reports.components import COMPONENT_ORDER
from reports.technology import load_technology
from sparsespike.contract.config import load_engine
from sparsespike.contract.counters import COUNTERS

TABLE = load_technology("horowitz-45nm")
BODY = f"{ENGINE}/core/cluster_3/body"


def _measured(memories=(), toggles=(), **counters):
    return Measured(
        activity=Activity(duration=0, scopes={}),
        modules={},
        counters=dict.fromkeys(COUNTERS, 0) | counters,
        cycles=100,
        memories=tuple(memories),
        toggles=tuple(toggles),
    )


@pytest.mark.parametrize(
    ("scope", "block"),
    [
        (f"{BODY}/broadcaster/store/spike_memory", "activation copies of the clusters"),
        (f"{BODY}/broadcaster/register", "broadcasters"),
        (f"{BODY}/lane_11/queue/store", "queues"),
        (f"{BODY}/lane_0/memory/weight_memory", "mask and weight memories"),
        (f"{BODY}/lane_0/lane", "lanes"),
        (f"{BODY}/lane_0", "lanes"),
        (f"{BODY}/neuron/queue", "neuron units"),
        (f"{BODY}/attention/counters", "attention units"),
        (BODY, "cluster wiring and counters"),
        (f"{ENGINE}/core/write_back/combine/spike_copy_0/memory", "write-back"),
        (f"{ENGINE}/core/front/weights/offsets$29", "weight loader"),
        (f"{ENGINE}/core/front/reader", "reader, descriptors, pixels"),
        (f"{ENGINE}/core/tokens$247", "token selector"),
        (f"{ENGINE}/core/counters/memory", "counters"),
        (f"{ENGINE}/registers", "sequencer, registers, the rest"),
        (ENGINE, "sequencer, registers, the rest"),
    ],
)
def test_every_instance_has_a_block(scope, block):
    assert block_of(scope).name == block


def test_blocks_belong_to_components_of_the_energy_report():
    assert {block.component for block in BLOCKS} <= set(COMPONENT_ORDER)


def test_memories_and_changes_by_hand():
    memories = [
        MemoryPorts(
            scope=f"{BODY}/lane_0/memory/weight_memory", width=64, reads=10, bits_written=128
        ),
        MemoryPorts(scope=f"{BODY}/lane_0/queue/store", width=96, reads=None, bits_written=192),
    ]
    toggles = [
        Toggles(scope=f"{BODY}/lane_0/lane", driver="register", bits=30, toggles=7),
        Toggles(scope=f"{BODY}/lane_0/lane", driver="logic", bits=50, toggles=9),
        Toggles(scope=f"{BODY}/lane_0/queue/store", driver="logic", bits=96, toggles=1_000),
    ]
    measured = _measured(memories, toggles, weights_read=10, additions=20)
    table = block_table(measured, TABLE)
    rows = table.set_index("block")
    # 64 bits: 10 pJ read or written, 20 pJ through a queue; an addition of 32 bits: 0.1 pJ
    assert rows.at["mask and weight memories", "memory_pj"] == pytest.approx((640 + 128) * 10 / 64)
    assert rows.at["queues", "memory_pj"] == pytest.approx(192 * 20 / 64)
    assert rows.at["queues", "changes"] == 0  # a memory's output is no logic
    assert rows.at["lanes", "registers"] == 30
    assert rows.at["lanes", "logic_pj"] == pytest.approx(16 * 2 * 0.1 / 32)
    engine = load_engine("small", accumulator_bits=24)
    split = component_table(measured, table, engine=engine, technology=TABLE)
    parts = split.set_index("component")
    assert parts.at["weights and masks", "counters_pj"] == pytest.approx(10 * 8 * 10 / 64)
    assert parts.at["adders and neurons", "counters_pj"] == pytest.approx(20 * 24 * 0.1 / 32)
    assert split["counters_share"].sum() == pytest.approx(1)
    assert split["nets_share"].sum() == pytest.approx(1)
    assert split["nets_pj"].sum() == pytest.approx(table[["memory_pj", "logic_pj"]].sum().sum())
    assert not {"clock", "leakage", "external memory"} & set(split["component"])


def test_ports_beside_what_the_counters_charge_by_hand():
    engine = load_engine("small", accumulator_bits=24)
    memories = [
        MemoryPorts(scope=f"{BODY}/lane_0/memory/mask_memory", width=27, reads=12, bits_written=64),
        MemoryPorts(scope=f"{BODY}/lane_0/memory/weight_memory", width=8, reads=10, bits_written=0),
        MemoryPorts(scope=f"{BODY}/tiles/constants$26", width=128, reads=100, bits_written=0),
    ]
    measured = _measured(memories, mask_words_read=8, weights_read=10)
    table = port_table(measured, engine=engine, technology=TABLE).set_index("ports")
    assert table.at["mask words, read", "charged_bits"] == 8 * 27
    assert table.at["mask words, read", "difference_pj"] == pytest.approx(4 * 27 * 10 / 64)
    assert table.at["weights, read", "difference_pj"] == 0
    assert table.at["masks and weights, written", "moved_bits"] == 64
    assert table.at["constants of channels", "difference_pj"] == pytest.approx(12_800 * 10 / 64)
    assert table["difference_pj"].sum() == pytest.approx((4 * 27 + 64 + 12_800) * 10 / 64)


def test_a_block_of_a_document_is_replaced(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("before\n<!-- x: begin by me -->\nold\n<!-- x: end -->\nafter\n")
    write_block(path, "x", "new\n\ntable\n")
    assert path.read_text() == (
        "before\n<!-- x: begin by me -->\nnew\n\ntable\n<!-- x: end -->\nafter\n"
    )
    with pytest.raises(ValueError, match="y: begin"):
        write_block(path, "y", "")
