import hashlib
import json

import pytest

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig, engine_presets, load_engine
from sparsespike.contract.errors import ContractError


def test_presets_load_and_differ():
    engines = [load_engine(name) for name in engine_presets()]
    assert {"micro", "small", "large"} <= set(engine_presets())
    assert len({engine.hash for engine in engines}) == len(engines)


def test_a_partial_file_is_filled_from_small(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("lanes = 5\n")
    assert load_engine(path) == load_engine("small", lanes=5)
    assert load_engine(path, clusters=2, attention_units=1).clusters == 2


def test_small_has_memories_for_its_own_lanes_only():
    small, other = load_engine("small"), load_engine("small", lanes=16)
    assert load_engine("small", lanes=8, clusters=2).spike_depth == small.spike_depth < 4096
    assert (other.spike_depth, other.count_depth, other.head_slots) == (4096, 1024, 64)
    assert load_engine("small", lanes=16, spike_depth=100).spike_depth == 100


def test_hash_depends_on_every_field_and_on_nothing_else():
    engine = load_engine("small")
    assert engine.hash == load_engine("small").hash
    changed = {"clusters": 5, "chunk": 8, "weight_bits": 4, "axi_data_bits": 128, "clock_mhz": 1.5}
    changed |= {"lane_kind": "serial"}
    for name in EngineConfig.model_fields:
        value = changed[name] if name in changed else getattr(engine, name) - 1 or 2
        assert load_engine("small", **{name: value}).hash != engine.hash, name


def test_a_field_at_its_default_leaves_the_hash():
    fields = load_engine("small").model_dump()
    del fields["digit_bits"], fields["lane_kind"]
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    assert load_engine("small").hash == hashlib.sha256(text.encode()).hexdigest()


def test_it_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        load_engine("small").lanes = 3


@pytest.mark.parametrize(
    "text, message",
    [
        ("lanes = 0", "lanes = 0: Input should be greater than or equal to 1"),
        ("lanes = 65", "lanes = 65: Input should be less than or equal to 64"),
        ("lanes = 4.0", "lanes = 4.0: Input should be a valid integer"),
        ('lanes = "4"', "lanes = '4': Input should be a valid integer"),
        ("lanes = true", "lanes = True: Input should be a valid integer"),
        ("chunk = 12", "chunk must be a power of two, not 12"),
        ("weight_bits = 5", "weight_bits = 5: Input should be 4, 6 or 8"),
        ("attention_units = 5", "attention_units must be at most clusters (4), not 5"),
        ("membrane_bits = 24", "membrane_bits must exceed accumulator_bits (24), not 24"),
        ("lane_kind = 'both'", "lane_kind = 'both': Input should be 'matching' or 'serial'"),
        ("digit_bits = 3", "digit_bits = 3: Input should be 1 or 2"),
        ("digit_bits = 2\ncount_bits = 1", "digit_bits must be at most count_bits (1), not 2"),
        ("lane = 4", "unknown field 'lane'; fields are: clusters, lanes"),
        ("lanes = ", "not valid TOML"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ContractError) as error:
        load_engine(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_name_lists_the_presets():
    with pytest.raises(ContractError, match=r"'huge' is neither a preset nor a file.*small"):
        load_engine("huge")


@pytest.mark.parametrize(
    "lanes, chunk, pitch, line, words, rows",
    [(8, 16, 8, 16, 1, 2), (5, 16, 8, 16, 1, 2), (64, 16, 64, 64, 4, 1), (1, 4, 1, 4, 1, 4)],
)
def test_storage_units(lanes, chunk, pitch, line, words, rows):
    engine = load_engine("small", lanes=lanes, chunk=chunk)
    assert derived.lane_pitch(engine) == pitch
    assert derived.line_slots(engine) == line
    assert derived.words_per_line(engine) == words
    assert derived.rows_per_line(engine) == rows


def test_stream_units():
    engine = load_engine("small", axi_data_bits=128, weight_bits=4, chunk=16, mask_depth=9)
    assert derived.mask_lanes(engine) == 8
    assert derived.weights_per_beat(engine) == 32
    assert derived.weights_per_beat(load_engine("small", weight_bits=6)) == 8
