from dataclasses import asdict, fields

import numpy as np
import pytest

from sparsespike.contract.config import load_engine
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import NetworkConfig
from sparsespike.contract.program import (
    DESCRIPTOR_FIELDS,
    FORMAT_VERSION,
    HEADER_FIELDS,
    TILE_FIELDS,
    Descriptor,
    Layer,
    Program,
    pack_words,
    unpack_words,
)

HEADER = {
    "magic": 0x47525053,
    "version": FORMAT_VERSION,
    "layers": 1,
    "weight_offset": 128,
    "weight_beats": 2,
}


@pytest.fixture
def program():
    field = Descriptor(operation=1, tokens=9, groups=1, time_steps=4, layer=0)
    layer = Layer(
        name="conv0",
        descriptor=field,
        slot_channel=np.array([2, -1, 0, 1]),
        tensor_tokens=9,
        mapping=np.array([[0, 1, 5], [1, 0, 4]]),
    )
    image = pack_words(HEADER, HEADER_FIELDS) + field.pack() + bytes(range(16))
    return Program(
        engine=load_engine("small"),
        network=NetworkConfig(time_steps=4, image_size=8, dim=16, depth=1, heads=2),
        network_hash="ab" * 32,
        layers=(layer,),
        image=np.frombuffer(image, np.uint8),
        pixel_pad=np.array([1, 2, 3], np.uint8),
    )


@pytest.mark.parametrize("table", [HEADER_FIELDS, DESCRIPTOR_FIELDS])
def test_no_two_fields_share_a_bit(table):
    bits = [32 * word + low + i for word, low, width in table.values() for i in range(width)]
    assert len(set(bits)) == len(bits)
    assert all(low + width <= 32 for _, low, width in table.values())
    assert max(bits) < 512


def test_no_two_header_fields_share_a_bit():
    bits = [low + i for low, width in TILE_FIELDS.values() for i in range(width)]
    assert len(set(bits)) == len(bits)
    assert max(bits) < 64


def test_every_descriptor_field_has_a_place():
    names = {field.name for field in fields(Descriptor)}
    assert names == DESCRIPTOR_FIELDS.keys() - {"magic", "checksum"}


def test_descriptors_survive_packing_at_their_limits():
    values = {
        name: (1 << bits) - 1
        for name, (_, _, bits) in DESCRIPTOR_FIELDS.items()
        if name not in ("magic", "checksum")
    }
    data = Descriptor(**values).pack()
    assert len(data) == 64
    found = unpack_words(data, DESCRIPTOR_FIELDS)
    assert {name: found[name] for name in values} == values
    assert found["magic"] == 0x5C
    assert sum(np.frombuffer(data, "<u4").tolist()) % 2**32 == 0x53504B45


def test_a_value_too_wide_is_refused_by_name():
    field = Descriptor(operation=1, tokens=65536, groups=1, time_steps=4, layer=0)
    with pytest.raises(ContractError, match="field tokens = 65536 does not fit 16 bits"):
        field.pack()


def test_a_saved_program_loads_as_it_was(program, tmp_path):
    path = tmp_path / "p.ssp"
    program.save(path)
    loaded = Program.load(path)
    assert loaded.hash == program.hash
    assert loaded.engine == program.engine
    assert loaded.network == program.network
    assert loaded.header == program.header
    assert asdict(loaded.layers[0].descriptor) == asdict(program.layers[0].descriptor)
    assert np.array_equal(loaded.layers[0].slot_channel, program.layers[0].slot_channel)
    assert np.array_equal(loaded.layers[0].mapping, program.layers[0].mapping)
    assert np.array_equal(loaded.image, program.image)
    assert np.array_equal(loaded.pixel_pad, program.pixel_pad)


def test_saving_twice_gives_the_same_bytes(program, tmp_path):
    program.save(tmp_path / "a")
    program.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_weight_stream_is_cut_into_beats(program):
    assert program.weight_stream().tolist() == [list(range(8)), list(range(8, 16))]


def test_every_single_edit_is_noticed(program, tmp_path):
    path = tmp_path / "p"
    program.save(path)
    data = path.read_bytes()
    for at in range(0, len(data), 7):
        edited = bytearray(data)
        edited[at] ^= 1
        path.write_bytes(edited)
        with pytest.raises(ContractError, match="compile it again"):
            Program.load(path)


def test_every_truncation_is_noticed(program, tmp_path):
    path = tmp_path / "p"
    program.save(path)
    data = path.read_bytes()
    for size in range(0, len(data), 11):
        path.write_bytes(data[:size])
        with pytest.raises(ContractError, match="compile it again"):
            Program.load(path)


def test_what_is_no_program_or_not_there_is_said_in_one_line(tmp_path):
    path = tmp_path / "p"
    path.write_bytes(b"something else")
    with pytest.raises(ContractError, match="is not a sparsespike program"):
        Program.load(path)
    with pytest.raises(ContractError, match="no such program; make one with"):
        Program.load(tmp_path / "absent")


def test_another_version_is_named(program, tmp_path, monkeypatch):
    monkeypatch.setattr("sparsespike.contract.program.FORMAT_VERSION", FORMAT_VERSION + 1)
    program.save(tmp_path / "p")
    monkeypatch.undo()
    told = f"program version {FORMAT_VERSION + 1}, this is {FORMAT_VERSION}; compile it again"
    with pytest.raises(ContractError, match=told):
        Program.load(tmp_path / "p")
