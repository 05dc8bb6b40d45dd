"""The kernels once as plain Python and once with checked indices: no overflow, no stray access."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model.random_network import random_images, random_integer_network
from sim import simulate
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine
from sparsespike.contract.network import NetworkConfig

ROOT = Path(__file__).resolve().parents[2]
CODE = """
import json, sys
import numpy as np
from sim import simulate
from sparsespike.contract.program import Program
found = simulate(Program.load(sys.argv[1]), np.load(sys.argv[2]), keep_tensors=True)
tensors = {name: int(tensor.sum()) for name, tensor in found.tensors.items()}
print(json.dumps([found.counters.tolist(), found.logits.tolist(), tensors]))
"""


@pytest.mark.parametrize(
    "mode, lanes, chunk, adders",
    [
        ("NUMBA_DISABLE_JIT", 3, 64, 3),
        ("NUMBA_DISABLE_JIT", 16, 8, 4),
        ("NUMBA_BOUNDSCHECK", 16, 8, 3),
    ],
)
def test_same_result_in_every_mode(mode, lanes, chunk, adders, tmp_path):
    config = NetworkConfig(
        time_steps=4,
        image_size=4,
        in_channels=2,
        dim=8,
        depth=1,
        heads=2,
        mlp_ratio=1,
        stem_pools=(False, True, False, False),
        selector_blocks=(0,),
        keep_ratio=0.6,
    )
    network = random_integer_network(config, weight_density=0.4, seed=11)
    engine = load_engine(
        "small",
        lanes=lanes,
        chunk=chunk,
        time_steps=adders,
        mask_depth=1024,
        spike_depth=8192,
        count_depth=4096,
        head_slots=256,
        attention_depth=1024,
    )
    program = compile_network(network, engine)
    images = random_images(config, 1, seed=2)
    program.save(tmp_path / "program")
    np.save(tmp_path / "images.npy", images)
    environment = os.environ | {mode: "1", "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    environment["PYTHONPATH"] = str(ROOT)
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", CODE, tmp_path / "program", tmp_path / "images.npy"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found = simulate(program, images, keep_tensors=True)
    tensors = {name: int(tensor.sum()) for name, tensor in found.tensors.items()}
    assert json.loads(run.stdout) == [found.counters.tolist(), found.logits.tolist(), tensors]
