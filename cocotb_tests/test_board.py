# ruff: noqa: D103
"""The host program runs a network on the simulated board over its UART pins."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cocotb_tests import board as host_files
from cocotb_tests.board_host import write_host
from cocotb_tests.runner import DEFAULT_BUILD_DIR, build, run, usable_folder
from hw.board.boards import find_board
from hw.board.write import TOP, board_engine, board_verilog
from model import zoo
from sparsespike.compiler import compile_network
from sparsespike.contract.errors import ContractError

DIVISOR = 4
MEMORY = 1 << 15
BOARD = find_board("ulx3s-85f")
BENCH = Path(host_files.__file__).parent


@pytest.fixture(scope="module")
def engine():
    return board_engine("micro", BOARD)


@pytest.fixture(scope="module")
def program(engine):
    return compile_network(zoo.load_integer("tiny"), engine)


@pytest.fixture(scope="module")
def built(engine):
    folder = usable_folder(DEFAULT_BUILD_DIR / "board")
    source = folder / f"{TOP}.v"
    source.write_text(
        board_verilog(engine, clock_mhz=BOARD.clock_mhz, divisor=DIVISOR, memory_bytes=MEMORY)
    )
    ports = folder / "board.vlt"
    ports.write_text(
        "`verilator_config\n"
        + "".join(
            f'public_flat_rw -module "{TOP}" -var "{name}"\n'
            for name in ("clock", "button", "receive", "transmit", "leds")
        )
    )
    return build([source, ports], top=TOP)


def images(count=1):
    return zoo.sample_images().images[:count, 8:16, 8:16]


def write(program, folder):
    return write_host(
        program, images(), folder, memory_bytes=MEMORY, baud=1_000_000, divisor=DIVISOR
    )


def differences(built, host, run_dir):
    with pytest.MonkeyPatch.context() as patch:
        # The runner hands its own import path on to the simulation.
        patch.syspath_prepend(BENCH)
        patch.syspath_prepend(host)
        run(built, "board_bench", run_dir=run_dir, environment={"BOARD_HOST": str(host)})
    return json.loads((run_dir / "differences.json").read_text())


def test_a_frame_over_the_uart(program, built, tmp_path):
    write(program, tmp_path / "host")
    assert differences(built, tmp_path / "host", tmp_path / "run") == []


def test_another_expectation_is_told(program, built, tmp_path):
    write(program, tmp_path / "host")
    path = tmp_path / "host" / "expected.json"
    expected = json.loads(path.read_text())
    frame = expected["frames"][0]
    frame["cycles"] += 1
    frame["logits"][3] += 1
    frame["counters"][2]["weights_read"] -= 1
    path.write_text(json.dumps(expected))
    found = differences(built, tmp_path / "host", tmp_path / "run")
    assert [line.split(":")[0] for line in found] == ["frame 0", "frame 0", "frame 0, layer 2"]


def test_a_memory_too_small_is_refused(program, tmp_path):
    with pytest.raises(ContractError, match=r"--memory 16384: .* take 20480 bytes: give 32768"):
        write_host(program, images(), tmp_path, memory_bytes=1 << 14, baud=1, divisor=4)


def test_a_port_that_is_not_there(program, tmp_path):
    write(program, tmp_path)
    done = subprocess.run(
        [sys.executable, "run_board.py", "/dev/none"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: /dev/none: ")
