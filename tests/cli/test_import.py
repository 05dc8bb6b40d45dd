"""`sparsespike import`: official files in every dialect, and what it refuses."""

import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import model
from model.checkpoint import load_checkpoint
from sparsespike.contract.network import IntegerNetwork
from tests.model.official_files import HEADS, official_state


@pytest.fixture
def official(tmp_path):
    """A function: an official file of `kind`, edited by `change`, in the folder of the test."""

    def _official(kind="CIFAR", change=None, **shape):
        state = official_state(kind, **shape)
        if change:
            change(state)
        path = tmp_path / "best.pth.tar"
        torch.save({"epoch": 1, "state_dict": state}, path)
        return path

    return _official


@pytest.mark.parametrize("kind", HEADS)
def test_each_kind_is_imported(official, run, tmp_path, kind):
    target, report = tmp_path / "ours.safetensors", tmp_path / "r.json"
    words = ["--heads", HEADS[kind], "--keep-ratio", "0.7", "--weight-bits", "6"]
    outcome = run("import", official(kind, predictors=3), *words, "-o", target, "--json", report)
    assert outcome.code == 0, outcome
    config = load_checkpoint(target).network.config
    assert (config.heads, config.keep_ratio, config.weight_bits) == (HEADS[kind], 0.7, 6)
    assert config.selector_blocks == (1, 2, 3)
    result = json.loads(report.read_text())
    assert result["dialect"] == kind
    assert result["config"] == config.model_dump(mode="json")
    assert result["meta"]["versions"]["torch"]
    assert "block.3.norm1.weight" in result["skipped"]
    assert ("pos_embed" in result["skipped"]) == (kind == "DVS")
    assert model.load_checkpoint(target).config == config


def test_skipped_tensors_are_said(official, run, tmp_path):
    outcome = run("import", official("DVS"), "--heads", 4, "-o", tmp_path / "n.safetensors")
    lines = [line.strip() for line in outcome.out.splitlines()]
    assert "skipped          48 tensors that the network never uses:" in lines
    kinds = {"block.N.norm1.* (8)", "block.N.norm2.* (8)", "norm.* (2)", "pos_embed"}
    assert {*kinds, "*.num_batches_tracked (29)"} <= set(lines)
    assert "runs in float only" in outcome.out


def test_selectors_without_a_ratio_are_said(official, run, tmp_path):
    target = tmp_path / "n.safetensors"
    outcome = run("import", official(predictors=3), "--heads", 2, "-o", target)
    assert "every token is kept: give --keep-ratio" in outcome.out
    outcome = run("import", official(), "--heads", 2, "-o", target)
    assert "every token" not in outcome.out


def test_every_option_reaches_the_network(official, run, tmp_path):
    target = tmp_path / "n.safetensors"
    words = ["--heads", 4, "--time-steps", 2, "--image-size", 24, "--normalization", "cifar100"]
    outcome = run(
        "import", official(predictors=2), *words, "--selector-blocks", "0,3", "-o", target
    )
    assert outcome.code == 0, outcome
    loaded = load_checkpoint(target)
    config = loaded.network.config
    assert (config.heads, config.time_steps, config.image_size) == (4, 2, 24)
    assert config.selector_blocks == (0, 3)
    assert loaded.pixels.mean == (129, 124, 112)


def test_the_default_output_is_named_after_the_file(official, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = run("import", official(), "--heads", 2)
    assert outcome.code == 0, outcome
    assert load_checkpoint(tmp_path / "build" / "best.safetensors")


def test_from_file_to_integer_network(official, run, tmp_path):
    ours, integer = tmp_path / "n.safetensors", tmp_path / "n.npz"
    assert run("import", official(depth=1), "--heads", 2, "-o", ours).code == 0
    assert run("quantize", ours, "-o", integer).code == 0
    assert IntegerNetwork.load(integer).config.depth == 1


@pytest.mark.parametrize(
    "words",
    [
        ["quantize", "{}/dvs.safetensors", "-o", "{}/n.npz"],
        ["compile", "--network", "{}/dvs.safetensors", "-o", "{}/n.program"],
        ["simulate", "--network", "{}/dvs.safetensors"],
        ["evaluate", "--network", "{}/dvs.safetensors"],
    ],
)
def test_event_frames_stay_in_float(official, run, refused, tmp_path, words):
    run("import", official("DVS"), "--heads", 4, "-o", tmp_path / "dvs.safetensors")
    refused(words, ["event frames", "still images"])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["{}/best.pth.tar", "heads", "--heads", "12 for D = 384"]),
        (["--heads", "3"], ["heads must divide dim, but dim=16, heads=3"]),
        (["--heads", "two"], ["--heads", "'two'"]),
        (["--heads", "2", "--keep-ratio", "most"], ["--keep-ratio", "'most'"]),
        (["--heads", "2", "--keep-ratio", "0.5"], ["--keep-ratio 0.5", "no predictor"]),
        (["--heads", "2", "--selector-blocks", "1,x"], ["'1,x'"]),
        (["--heads", "2", "--selector-blocks", "1"], ["--selector-blocks", "0 predictors"]),
        (["--heads", "2", "--weight-bits", "5"], ["--weight-bits", "5", "4, 6, 8"]),
        (["--heads", "2", "--normalization", "mnist"], ["--normalization", "mnist", "cifar10"]),
        (["--heads", "2", "--time-steps", "0"], ["time_steps", "0"]),
        (["--heads", "2", "--image-size", "-1"], ["image_size", "-1"]),
        (["--heads", "2", "-o", "{}"], ["--output", "folder"]),
        (["--heads", "2", "-o", "{}/absent/n.safetensors"], ["--output", "{}/absent"]),
        (["--heads", "2", "-o", "{}/n.pth"], ["--output", "n.pth", ".safetensors"]),
        (["--heads", "2", "--json", "{}/absent/r.json"], ["--json", "{}/absent"]),
    ],
)
def test_bad_options(official, refused, options, expected):
    official()
    words = ["import", "{}/best.pth.tar", *options]
    refused(words if "-o" in options else [*words, "-o", "{}/n.safetensors"], expected)


@pytest.mark.parametrize("ratio", ["0", "1.5", "-0.1", "nan", "inf"])
def test_keep_ratios_beyond_one(official, refused, ratio):
    path = official(predictors=3)
    words = ["import", path, "--heads", 2, "--keep-ratio", ratio, "-o", "{}/n.safetensors"]
    refused(words, ["keep_ratio", ratio])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda s: s.pop("block.1.attn.v_bn.bias"),
            ["block.1.attn.v_bn.bias is missing (nearest: "],
        ),
        (
            lambda s: s.update({"block.1.attn.v_bm.bias": s.pop("block.1.attn.v_bn.bias")}),
            ["v_bn.bias is missing (nearest: block.1.attn.v_bm.bias)"],
        ),
        (
            lambda s: s.update({"head.weights": s["head.weight"]}),
            ["head.weights is unknown (nearest: head.weight)"],
        ),
        (lambda s: s.update({"head.bias": torch.ones(9)}), ["head.bias", "(9,)", "(7,)"]),
        (lambda s: s["head.bias"].fill_(float("inf")), ["head.bias", "infinity"]),
        (lambda s: s.update({"lr": 0.1}), ["'lr' is float"]),
    ],
)
def test_bad_tensors(official, refused, change, expected):
    path = official(change=change)
    refused(["import", path, "--heads", 2, "-o", "{}/n.safetensors"], [str(path), *expected])


class _Harmful:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_code_is_not_run(refused, tmp_path):
    torch.save({"state_dict": {}, "x": _Harmful(str(tmp_path / "trace"))}, tmp_path / "n.pth")
    refused(
        ["import", "{}/n.pth", "--heads", 2, "-o", "{}/n.safetensors"],
        ["{}/n.pth", "needs code to load (", "open)", "never run", "state_dict"],
    )


@pytest.mark.parametrize("share", [0, 0.3, 0.999])
def test_truncated_files(official, refused, tmp_path, share):
    path = official()
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    refused(["import", path, "--heads", 2, "-o", "{}/n.safetensors"], [str(path), "complete"])


def test_a_missing_file(refused):
    words = ["import", "{}/absent.pth", "--heads", 2, "-o", "{}/n.safetensors"]
    refused(words, ["{}/absent.pth", "no such checkpoint"])


def test_a_file_of_ours(official, run, refused, tmp_path):
    run("import", official(), "--heads", 2, "-o", tmp_path / "ours.safetensors")
    words = ["import", "{}/ours.safetensors", "--heads", 2, "-o", "{}/n.safetensors"]
    refused(words, ["{}/ours.safetensors", "already"])


def test_the_file_itself_is_no_output(refused, tmp_path):
    save_file(official_state("CIFAR"), tmp_path / "n.safetensors")
    words = ["import", "{}/n.safetensors", "--heads", 2, "-o", "{}/n.safetensors"]
    refused(words, ["--output", "the file to import"])


def test_a_failed_import_leaves_the_old_file(official, run, tmp_path):
    target = tmp_path / "n.safetensors"
    target.write_text("old")
    assert run("import", official(), "--heads", 3, "-o", target).code == 2
    assert target.read_text() == "old"


def test_the_file_is_needed(run):
    outcome = run("import")
    assert outcome.code == 2
    assert "CKPT" in outcome.err


TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"


def test_the_tutorial_works(run, tmp_path, monkeypatch):
    """Its Python and its commands, in order; the co-simulation is tested elsewhere."""
    monkeypatch.chdir(tmp_path)
    done = []
    for language, text in re.findall(r"```(python|sh)\n(.*?)```", TUTORIAL.read_text(), re.S):
        if language == "python":
            exec(compile(text, str(TUTORIAL), "exec"), {})
            continue
        for line in text.splitlines():
            program, command, *words = line.split()
            assert program == "sparsespike"
            done.append(command)
            if command != "cosim":
                outcome = run(command, *words)
                assert outcome.code == 0, outcome
    assert done == ["import", "evaluate", "quantize", "compile", "simulate", "cosim"]
    assert {"best.pth.tar", "mine.safetensors", "mine.npz", "mine.program"} == {
        path.name for path in tmp_path.iterdir()
    }
