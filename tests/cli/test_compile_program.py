"""`compile` writes the program that the compiler makes, and refuses what does not fit."""

import json

import pytest

from sparsespike.contract.program import Program


def test_compile_writes_the_program(run, tmp_path, tiny_program):
    path, result_path = tmp_path / "a.program", tmp_path / "a.json"
    words = ["--network", "tiny", "--engine", "micro", "-o", path, "--json", result_path]
    outcome = run("compile", *words)
    assert outcome.code == 0, outcome
    program = Program.load(path)
    assert program.hash == tiny_program.hash
    result = json.loads(result_path.read_text())
    assert [layer["name"] for layer in result["layers"]] == [x.name for x in program.layers]
    assert result["meta"]["program_hash"] == program.hash
    assert result["meta"]["config_hash"] == program.engine.hash
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.json", "a.program"]


def test_the_default_file_is_below_build(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("compile", "--network", "tiny", "--engine", "micro").code == 0
    assert Program.load("build/tiny-micro.program").engine.lanes == 4


def test_lanes_override_the_engine(run, tmp_path):
    path = tmp_path / "a.program"
    words = ["--network", "tiny", "--engine", "micro", "--lanes", "5", "-o", path]
    assert run("compile", *words).code == 0
    assert Program.load(path).engine.lanes == 5


@pytest.mark.parametrize(
    "change", ["spike_depth = 16", "max_layers = 4", "head_slots = 4", "count_bits = 1"]
)
def test_an_engine_that_is_too_small_is_refused(change, refused, tmp_path):
    (tmp_path / "mine.toml").write_text(f"{change}\n")
    words = ["compile", "--network", "tiny", "--engine", "{}/mine.toml", "-o", "{}/a.program"]
    refused(words, [change.split(" ")[0], "needs"])


def test_no_folder_for_the_program(refused):
    refused(["compile", "--network", "tiny", "-o", "{}/no/a.program"], ["--output", "{}/no"])


def test_no_folder_for_the_json_means_no_program(refused):
    words = ["compile", "--network", "tiny", "-o", "{}/a.program", "--json", "{}/no/a.json"]
    refused(words, ["--json", "{}/no"])


def test_bands_can_be_forced(run, tmp_path):
    path, result_path = tmp_path / "a.program", tmp_path / "a.json"
    words = ["--network", "tiny", "--bands", "rpe=2", "--bands", "block.0.fc1=1"]
    assert run("compile", *words, "-o", path, "--json", result_path).code == 0
    bands = {x["name"]: x["bands"] for x in json.loads(result_path.read_text())["layers"]}
    assert (bands["rpe"], bands["block.0.fc1"]) == (2, 1)


@pytest.mark.parametrize(
    "text, words",
    [
        ("rpe", ["'rpe'", "LAYER=N"]),
        ("nothing=2", ["'nothing=2'", "block.0.fc1"]),
        ("block.0.attn=2", ["'block.0.attn=2'"]),
        ("rpe=0", ["'rpe=0'"]),
        ("rpe=3", ["layer rpe", "3 bands"]),
    ],
)
def test_bands_that_cannot_be_are_refused(text, words, refused):
    refused(["compile", "--network", "tiny", "--bands", text, "-o", "{}/a.program"], words)


def test_tuned_bands_are_never_slower(run, tmp_path):
    from model.zoo import load_integer, sample_images
    from sim import simulate
    from sparsespike.compiler import compile_network
    from sparsespike.contract.config import load_engine

    engine = tmp_path / "six.toml"
    engine.write_text("clusters = 6\nlanes = 2\n")
    path, result_path = tmp_path / "a.program", tmp_path / "a.json"
    words = ["--network", "tiny", "--engine", engine, "--tune", "1", "-o", path]
    assert run("compile", *words, "--json", result_path).code == 0
    program = Program.load(path)
    bands = [layer["bands"] for layer in json.loads(result_path.read_text())["layers"]]
    assert bands == [1 << layer.descriptor.split for layer in program.layers]
    images = sample_images().images[:1, :8, :8]
    plain = compile_network(load_integer("tiny"), load_engine(engine), bands={"rpe": 1})
    assert max(bands) > 1
    assert simulate(program, images).cycles.sum() <= simulate(plain, images).cycles.sum()
