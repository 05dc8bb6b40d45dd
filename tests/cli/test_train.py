"""`train` and `prune`: what they leave, what they refuse, and that no interruption matters."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from model.data import ImageSet, save_images
from model.snapshot import load_snapshot
from sparsespike.cli.main import main
from sparsespike.contract.network import IntegerNetwork
from tests.model.tiny_training import (
    EPOCHS,
    RECIPE,
    STAGES,
    dark_and_bright,
    write_data,
    write_recipe,
)

FIXED = ("--threads", "1", "--no-compile", "--no-bf16")
PUBLISHED = ("small.safetensors", "small.int8.npz", "small.json")


class Place(NamedTuple):
    recipe: Path
    data: Path

    def words(self, out: Path) -> list[str]:
        return ["--recipe", str(self.recipe), "--data", str(self.data), "--out", str(out), *FIXED]


@pytest.fixture(autouse=True)
def _same_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The recipe, and 256 training images: 16 steps an epoch."""
    folder = tmp_path_factory.mktemp("small")
    return Place(write_recipe(folder), write_data(folder / "data", train=256))


@pytest.fixture(scope="module")
def finished(place, tmp_path_factory):
    """A folder in which both commands have run without interruption."""
    out = tmp_path_factory.mktemp("whole") / "run"
    for command in ("train", "prune"):
        assert main([command, *place.words(out)]) == 0
    return out


def times(folder):
    return {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}


@pytest.mark.parametrize("command", ["train", "prune"])
def test_help_has_an_example(run, command):
    outcome = run(command, "--help")
    assert outcome.code == 0
    assert f"Example: sparsespike {command} --recipe nano" in outcome.out


def test_files(finished):
    names = {file.name for file in finished.iterdir()}
    assert names == {
        *(f"{stage}.pt" for stage in STAGES),
        *("early.pt", "dense.safetensors", "ticket.safetensors", *PUBLISHED),
        *("log.parquet", "layers.parquet", "training.svg", "run.json", ".lock"),
    }
    card = json.loads((finished / "small.json").read_text())
    assert card["images"] == 32
    assert list(card["accuracy_by_bits"]) == ["8", "6", "4"]
    assert card["accuracy_by_bits"]["8"] == card["accuracy_integer"]
    assert 0.7 <= card["weight_sparsity"] < 0.72
    assert card["note"].startswith("dense 2 epochs at T = 1 + 2 epochs; 2 rounds of 2 epochs")
    assert IntegerNetwork.load(finished / "small.int8.npz").content_hash() == card["integer_sha256"]


def test_log(finished):
    epochs = pd.read_parquet(finished / "log.parquet")
    expected = [(s, e) for s, n in zip(STAGES, EPOCHS, strict=True) for e in range(n)]
    assert list(zip(epochs["stage"], epochs["epoch"], strict=True)) == expected
    assert epochs["time_steps"].tolist() == [1, 1, 2, 2, 1, 1, 1, 1, 1, 2, 2, 2]
    assert epochs["accuracy_test"].between(0, 1).all()
    assert epochs["learning_rate"].gt(0).all()
    sparsity = epochs.groupby("stage", sort=False)["weight_sparsity"].max().round(2)
    assert sparsity.tolist() == [0.0, 0.0, 0.5, 0.7, 0.7, 0.7, 0.7, 0.7]
    layers = pd.read_parquet(finished / "layers.parquet")
    assert len(layers) == len(epochs) * layers["layer"].nunique()
    assert {"conv0", "rpe", "selector.0", "block.0.attn", "head"} <= set(layers["layer"])


def test_a_finished_run_does_nothing(run, place, finished, tmp_path):
    before = times(finished)
    for command, key in (("train", "accuracy_test"), ("prune", "accuracy_integer")):
        outcome = run(command, *place.words(finished), "--json", tmp_path / "a.json")
        assert outcome.code == 0
        assert "finished before, nothing to do" in outcome.err
        assert 0 <= json.loads((tmp_path / "a.json").read_text())[key] <= 1
    assert times(finished) == before


def test_another_recipe_or_seed_is_refused(run, place, finished, tmp_path):
    before = times(finished)
    changed = tmp_path / "small.toml"
    changed.write_text(RECIPE.replace("rate = 5e-3", "rate = 4e-3"))
    words = place.words(finished)
    for command in ("train", "prune"):
        for other, said in (
            (["--seed", "1"], "with seed 0, not 1"),
            (["--images", "64"], "with images all, not 64"),
            (["--recipe", str(changed)], "with recipe "),
            (["--bf16"], "with bf16 False, not True"),
        ):
            outcome = run(command, *words, *other)
            assert outcome.code == 2, other
            assert outcome.err.count("\n") == 1
            assert f"`{command}` was run here {said}" in outcome.err
    assert run("prune", *words, "--sparsity", "0.5").code == 2
    assert times(finished) == before


# Ends a process while the given number of files is moved into place, never for 0.
DRIVER = """
import os, signal, sys

from sparsespike.cli.main import main

moves, real = [int(sys.argv[1])], os.replace


def replace(*paths):
    moves[0] -= 1
    if moves[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    real(*paths)


os.replace = replace
for command in ("train", "prune"):
    code = main([command, *sys.argv[2:]])
    if code:
        raise SystemExit(code)
"""


def start(words, moves=0):
    command = [sys.executable, "-c", DRIVER, str(moves), *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def end(process, number, epochs, seconds):
    """Send a signal, so many epochs and seconds from now; returns exit code and last words."""
    with process:
        for _ in range(epochs):
            assert " epoch " in process.stderr.readline()
        time.sleep(seconds)
        process.send_signal(number)
        last = process.stderr.read()
    return process.returncode, last


def check_whole(folder):
    """Every file that is there can be read."""
    for file in folder.glob("*.pt"):
        assert load_snapshot(file)
    for file in folder.glob("*.safetensors"):
        assert load_file(file)
    for file in folder.glob("*.parquet"):
        assert len(pd.read_parquet(file))
    for file in folder.glob("*.json"):
        assert json.loads(file.read_text())


def test_no_interruption_changes_anything(place, finished, tmp_path):
    """Killed in an epoch, killed while saving, asked to stop: in the end all is the same."""
    out, rng = tmp_path / "run", np.random.default_rng(0)
    words = place.words(out)

    code, last = end(start(words), signal.SIGTERM, 1, rng.uniform(0, 0.1))
    assert code == 130
    assert last.endswith("interrupted: saved, the same command goes on from here\n")
    check_whole(out)

    with start(words, moves=int(rng.integers(5, 12))) as process:
        assert process.wait() == -signal.SIGKILL
    assert list(out.glob("*.tmp"))
    check_whole(out)

    assert end(start(words), signal.SIGKILL, 2, rng.uniform(0, 0.2))[0] == -signal.SIGKILL
    check_whole(out)
    assert end(start(words), signal.SIGINT, 1, rng.uniform(0, 0.2))[0] == 130
    check_whole(out)
    with start(words) as process:
        assert process.wait() == 0

    assert_same_run(finished, out)


def assert_same_run(one, other):
    assert {f.name for f in one.iterdir()} == {f.name for f in other.iterdir()}
    for name in ("dense.safetensors", "small.safetensors", "ticket.safetensors"):
        expected, found = load_file(one / name), load_file(other / name)
        assert expected.keys() == found.keys()
        assert all(torch.equal(tensor, found[key]) for key, tensor in expected.items())
    networks = [IntegerNetwork.load(folder / "small.int8.npz") for folder in (one, other)]
    assert networks[0].content_hash() == networks[1].content_hash()
    assert (one / "small.json").read_bytes() == (other / "small.json").read_bytes()
    for name in ("log.parquet", "layers.parquet"):
        frames = [pd.read_parquet(folder / name) for folder in (one, other)]
        frames = [frame.drop(columns="seconds", errors="ignore") for frame in frames]
        pd.testing.assert_frame_equal(*frames, check_exact=True)


def test_controls_from_another_folder(run, place, finished, tmp_path):
    out = tmp_path / "run"
    words = ["prune", *place.words(out), "--from", finished / "dense.safetensors"]
    words += ["--sparsity", "0.5", "--keep-ratio", "0.5", "--max-epochs", "1", "--images", "32"]
    outcome = run(*words, "--test-images", "8", "--json", tmp_path / "a.json")
    assert outcome.code == 0
    result = json.loads((tmp_path / "a.json").read_text())
    assert (result["images"], result["keep_ratio"], result["controls"]) == (8, 0.5, [])
    assert 0.5 <= result["weight_sparsity"] < 0.52
    card = (out / "small.json").stat().st_mtime_ns

    outcome = run(*words, "--test-images", "8", "--controls", "1", "--json", tmp_path / "b.json")
    assert outcome.code == 0
    rows = json.loads((tmp_path / "b.json").read_text())["controls"]
    arms = ["ticket", "one-shot", "random masks", "selector", "random tokens"]
    assert [row["arm"] for row in rows] == arms
    assert all(f"\n{arm} " in outcome.out for arm in arms)
    assert (out / "small.json").stat().st_mtime_ns == card
    assert "nothing to do" in run(*words, "--test-images", "8", "--controls", "1").err


def test_a_data_set_without_test_images(run, place, tmp_path):
    save_images(dark_and_bright(32), tmp_path / "all.npz")
    words = [*place.words(tmp_path / "run"), "--data", tmp_path / "all.npz", "--max-epochs", "1"]
    outcome = run("train", *words, "--json", tmp_path / "a.json")
    assert outcome.code == 0
    assert "no test images" in outcome.out
    assert json.loads((tmp_path / "a.json").read_text())["accuracy_test"] is None
    assert pd.read_parquet(tmp_path / "run" / "log.parquet")["accuracy_test"].isna().all()


WRONG = (
    (["--device", "tpu"], ["--device", "'tpu' is not one of cpu, cuda"]),
    (["--seed", "-1"], ["--seed", "-1 must lie in 0..2047"]),
    (["--images", "0"], ["--images", "0 must be at least 1"]),
    (["--max-epochs", "0"], ["--max-epochs", "0 must be at least 1"]),
    (["--threads", "x"], ["--threads", "'x' is not a whole number"]),
    (["--recipe", "nanoo"], ["nanoo", "recipes: nano"]),
    (["--data", "{}/absent"], ["--data {}/absent", "no such file or folder"]),
    (["--images", "257"], ["images must be in 1..256, not 257"]),
    (["--json", "{}/absent/a.json"], ["--json", "does not exist: create it first"]),
)


@pytest.mark.parametrize("wrong, words", WRONG)
def test_bad_input_of_train(refused, place, tmp_path, wrong, words):
    refused(["train", *place.words(tmp_path / "run"), *wrong], words)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_an_absent_device_is_refused(refused, place, tmp_path):
    words = ["train", *place.words(tmp_path / "run"), "--device", "cuda"]
    refused(words, ["--device cuda", "finds no CUDA device; use --device cpu"])


@pytest.mark.parametrize(
    "wrong, words",
    [
        ([], ["dense.safetensors: no dense network; use `sparsespike train` first"]),
        (["--sparsity", "1"], ["--sparsity 1.0", "should be less than 1"]),
        (["--rate", "half"], ["--rate", "half"]),
        (["--rewind", "all"], ["--rewind", "'all' is not one of weights, rate"]),
        (["--controls", "-1"], ["--controls", "-1 must be at least 0"]),
        (["--recipe", "nano", "--from", "DENSE"], ["its time_steps is 2, recipe nano has 4"]),
        (["--data", "DATA/test.npz", "--from", "DENSE"], ["has no test images apart; use"]),
        (["--recipe", "BARE", "--from", "DENSE", "--controls", "1"], ["has no [controls]; add"]),
    ],
)
def test_bad_input_of_prune(refused, place, finished, tmp_path, wrong, words):
    bare = tmp_path / "bare.toml"
    bare.write_text(RECIPE[: RECIPE.index("[controls]")])
    names = {"DENSE": finished / "dense.safetensors", "DATA": place.data, "BARE": bare}
    for name, path in names.items():
        wrong = [word.replace(name, str(path)) for word in wrong]
    refused(["prune", *place.words(tmp_path / "run"), *wrong], words)


def test_images_and_labels_must_fit_the_network(refused, place, tmp_path):
    images = dark_and_bright(32)
    for name, labels, words in (
        ("many", images.labels * 5, ["has a label 5", "has 2 classes"]),
        ("none", images.labels - 1, ["some images have no label"]),
    ):
        save_images(ImageSet(images.images, labels), tmp_path / f"{name}.npz")
        train = ["train", *place.words(tmp_path / "run"), "--data", tmp_path / f"{name}.npz"]
        refused(train, words)
    refused(["train", *place.words(tmp_path / "run"), "--recipe", "nano"], ["8x8x3", "32x32x3"])


def test_a_folder_in_use_is_refused(refused, place, tmp_path):
    from model.run_folder import RunFolder

    out = tmp_path / "run"
    out.mkdir()
    (out / "dense0.pt").write_text("")
    refused(["train", *place.words(out)], ["holds dense0.pt, but no run.json"])
    (out / "dense0.pt").unlink()
    with RunFolder(out, "other", {}, "x").locked():
        refused(["train", *place.words(out)], ["another process trains into it"])
