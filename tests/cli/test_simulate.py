"""`simulate` reports what the simulator returned, and refuses damaged programs."""

import json
import subprocess
import sys

import numpy as np
import pytest

from model import zoo
from model.data import ImageSet, save_images
from sim import simulate
from sparsespike.contract.counters import COUNTERS

KEYS = {
    "images",
    "cycles_per_image",
    "wall_seconds",
    "images_per_second",
    "utilization",
    "energy_per_image_joule",
    "fps",
    "layers",
    "meta",
    "throughput",
    "energy_by_component",
    "synops_per_image",
    "sparsity",
    "static_energy_per_image_joule",
    "mean_firing_rate",
}


@pytest.fixture
def images(tmp_path):
    pixels = np.random.default_rng(3).integers(0, 256, (3, 8, 8, 3)).astype(np.uint8)
    path = tmp_path / "images.npz"
    save_images(ImageSet(pixels, np.zeros(3, np.int64)), path)
    return path, pixels


def test_simulate_reports_the_simulators_numbers(run, tmp_path, program_file, tiny_program, images):
    path, pixels = images
    outcome = run("simulate", program_file, "--data", path, "--json", tmp_path / "run.json")
    assert outcome.code == 0, outcome
    result = json.loads((tmp_path / "run.json").read_text())
    assert set(result) == KEYS
    expected = simulate(tiny_program, pixels)
    engine = tiny_program.engine
    cycles = int(expected.cycles.sum())
    assert result["images"] == 3
    assert result["cycles_per_image"] == pytest.approx(cycles / 3)
    assert result["fps"] == pytest.approx(engine.clock_mhz * 1e6 * 3 / cycles)
    matches = int(expected.counters[:, :, COUNTERS.index("weights_read")].sum())
    lanes = engine.clusters * engine.lanes
    assert result["utilization"] == pytest.approx(matches / (lanes * cycles))
    assert 0 < result["utilization"] <= 1
    energy = result["energy_per_image_joule"]
    assert energy > 0
    for parts in (result["layers"], result["energy_by_component"]):
        assert sum(part["energy_per_image_joule"] for part in parts) == pytest.approx(energy)
    assert result["throughput"]["fps"] == pytest.approx(result["fps"])
    assert 0 < result["mean_firing_rate"] < 1
    assert result["synops_per_image"]["dense"] > result["synops_per_image"]["total"] > 0
    for index, layer in enumerate(result["layers"]):
        assert layer["name"] == tiny_program.layers[index].name
        assert layer["cycles"] == int(expected.cycles[:, index].sum()) > 0
        assert layer["counters"] == dict(
            zip(COUNTERS, expected.counters[:, index].sum(axis=0).tolist(), strict=True)
        )
    assert result["meta"]["program_hash"] == tiny_program.hash


def test_network_and_engine_give_the_same_as_their_program(run, tmp_path, program_file):
    common = ["--images", "2", "--json", tmp_path / "run.json"]
    results = []
    for words in ([program_file], ["--network", "tiny", "--engine", "micro"]):
        assert run("simulate", *words, *common).code == 0
        results.append(json.loads((tmp_path / "run.json").read_text()))
    assert results[0]["layers"] == results[1]["layers"]
    shares = [result["sparsity"] for result in results]
    assert shares[0].pop("weights") is None  # a program does not tell
    assert shares[1].pop("weights") == pytest.approx(zoo.load_integer("tiny").weight_sparsity())
    assert shares[0] == shares[1]
    assert all(0 < share < 1 for share in shares[0].values())


def test_what_is_printed_adds_up(run, program_file, images):
    outcome = run("simulate", program_file, "--data", images[0])
    assert outcome.code == 0
    tables = outcome.out.split("total")
    for text in tables[:2]:
        assert "│" in text
    words = ("frames/s", " ms,", "GSOP/s effective", "dense-equivalent", "GSOP/s/W", "firing rate")
    words += (
        "static",
        "leakage",
        "sparsity:",
        "dense operations",
        "effective ACs",
        "MACs",
        "sources give",
    )
    for word in words:
        assert word in outcome.out


def test_torch_is_never_imported(program_file):
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from sparsespike.cli.main import main\n"
        f"code = main(['simulate', {str(program_file)!r}, '--images', '1'])\n"
        "import hw\n"
        "raise SystemExit(code)"
    )
    command = [sys.executable, "-W", "ignore", "-c", script]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr


def test_a_truncated_program(program_file, refused):
    program_file.write_bytes(program_file.read_bytes()[:-100])
    refused(["simulate", program_file], ["{}/tiny.program"])


@pytest.mark.parametrize("length", [0, 4, 8, 12, 16, 100])
def test_the_beginning_of_a_program(program_file, refused, length):
    program_file.write_bytes(program_file.read_bytes()[:length])
    refused(["simulate", program_file], ["{}/tiny.program"])


@pytest.mark.parametrize("position", [9, 30, -1])
def test_an_edited_program(program_file, refused, position):
    data = bytearray(program_file.read_bytes())
    data[position] ^= 1
    program_file.write_bytes(data)
    refused(["simulate", program_file], ["{}/tiny.program"])


def test_a_file_that_is_no_program(program_file, refused):
    program_file.write_text("lanes = 4")
    refused(["simulate", program_file], ["{}/tiny.program"])


def test_a_folder_as_program(refused):
    refused(["simulate", "{}"], ["{}", "folder"])


def test_an_absent_program(refused):
    refused(["simulate", "{}/no.program"], ["{}/no.program"])


@pytest.mark.parametrize("option", [("--engine", "small"), ("--network", "nano"), ("--lanes", "4")])
def test_a_program_fixes_engine_and_network(program_file, refused, option):
    refused(["simulate", program_file, *option], [option[0], "{}/tiny.program"])


def test_images_that_do_not_fit(program_file, refused, tmp_path):
    pixels = np.zeros((1, 32, 32, 3), np.uint8)
    save_images(ImageSet(pixels, np.zeros(1, np.int64)), tmp_path / "big.npz")
    refused(["simulate", program_file, "--data", "{}/big.npz"], ["32x32x3", "8x8x3"])


@pytest.mark.parametrize("threads", ["0", "-2"])
def test_no_images_at_a_time(program_file, refused, threads):
    refused(["simulate", program_file, "--threads", threads], ["--threads", "at least 1"])


def test_images_at_a_time_change_no_number(run, tmp_path, program_file, images):
    results = []
    for threads in ("1", "3"):
        file = tmp_path / f"{threads}.json"
        arguments = ("--data", images[0], "--threads", threads, "--json", file)
        assert run("simulate", program_file, *arguments).code == 0
        results.append(json.loads(file.read_text()))
    timed = ("wall_seconds", "images_per_second", "meta")
    one, three = ({k: v for k, v in r.items() if k not in timed} for r in results)
    assert one == three
