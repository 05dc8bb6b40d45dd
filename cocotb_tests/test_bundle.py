# ruff: noqa: D103
"""A bundle from an empty folder: its testbench passes, and fails where another is expected."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from cocotb_tests.bundle_bench import write_testbench
from hw.bundle.write import write_bundle
from model import zoo
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    engine = load_engine("micro")
    network = zoo.load_integer("tiny")
    program = compile_network(network, engine)
    images = zoo.sample_images().images[:1, 8:16, 8:16]
    write_bundle(engine, folder)
    first = [path.read_bytes() for path in write_testbench(program, images, folder)]
    assert first == [path.read_bytes() for path in write_testbench(program, images, folder)]
    return folder


def run(folder, simulator):
    """Runs the testbench with nothing of this project to import."""
    # Under pytest, cocotb's runner would exit at the first failure.
    hidden = ("PYTHONPATH", "PYTEST_CURRENT_TEST")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        [sys.executable, "testbench/run.py", "--simulator", simulator],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_its_testbench_passes(bundle, tmp_path, icarus):
    shutil.copytree(bundle, tmp_path / "elsewhere")
    done = run(tmp_path / "elsewhere", "icarus")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 frames as expected, of 1" in done.stdout


def test_its_testbench_passes_in_verilator(bundle, tmp_path):
    shutil.copytree(bundle, tmp_path / "elsewhere")
    done = run(tmp_path / "elsewhere", "verilator")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("what", ["values", "cycles", "counters"])
def test_another_expectation_fails(bundle, tmp_path, what, icarus):
    shutil.copytree(bundle, tmp_path / "edited")
    path = tmp_path / "edited" / "testbench" / "expected.json"
    expected = json.loads(path.read_text())
    frame = expected["frames"][0]
    if what == "values":
        frame["values"][3] += 1
    elif what == "cycles":
        frame["cycles"] += 1
    else:
        frame["counters"][2]["weights_read"] -= 1
    path.write_text(json.dumps(expected))
    done = run(tmp_path / "edited", "icarus")
    assert done.returncode == 1
    assert "0 frames as expected, of 1" in done.stdout
