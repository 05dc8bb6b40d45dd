"""The register map as data, JSON and Markdown."""

import json

from hw import register_map
from sparsespike.contract.config import load_engine
from sparsespike.contract.counters import COUNTERS


def test_registers_do_not_overlap():
    addresses = [entry.address for entry in register_map.REGISTERS]
    assert len(set(addresses)) == len(addresses)
    assert all(a % 4 == 0 and a < register_map.COUNTER_BASE for a in addresses)
    for entry in register_map.REGISTERS:
        bits = [b for f in entry.fields for b in range(f.low, f.low + f.bits)]
        assert len(set(bits)) == len(bits)
        assert all(bit < 32 for bit in bits)


def test_counter_window_fits():
    assert len(COUNTERS) * 4 <= register_map.COUNTER_STRIDE
    last = register_map.counter_address(127, COUNTERS[-1])
    assert last < 1 << register_map.ADDRESS_BITS


def test_constants():
    engine = load_engine("small")
    values = register_map.constants(engine)
    assert values["ID"] == 0x53534B31
    assert values["CONFIG_HASH"] == int(engine.hash[-8:], 16)
    assert values["GEOMETRY"] == 4 | 8 << 8 | 16 << 16 | 4 << 24
    assert values["LIMITS"] == 32 | 64 << 16


def test_documents_name_every_register():
    engine = load_engine("small")
    content = json.loads(register_map.as_json(engine))
    page = register_map.as_markdown(engine)
    assert len(content["registers"]) == len(register_map.REGISTERS)
    for entry in register_map.REGISTERS:
        assert f"| 0x{entry.address:03X} | {entry.name} |" in page
    assert content["counters"]["names"] == list(COUNTERS)
    assert all(f"| {name} |" in page for name in COUNTERS)
