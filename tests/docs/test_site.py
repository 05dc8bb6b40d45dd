"""The site builds without a broken link, and its notebook runs from top to bottom."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_site_builds(tmp_path):
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    run = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    for page in ("index", "engine", "exploration", "study"):
        assert (tmp_path / f"{page}.html").is_file()


@pytest.mark.filterwarnings("ignore")
def test_the_notebook_runs(tmp_path):
    words = [sys.executable, "-m", "nbconvert", "--execute", "--to", "notebook"]
    words += ["--output-dir", str(tmp_path), str(ROOT / "docs" / "study.ipynb")]
    here = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run(words, env=here, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    done = nbformat.read(tmp_path / "study.ipynb", as_version=4)
    outputs = [cell.outputs for cell in done.cells if cell.cell_type == "code"]
    assert all(outputs)
    printed = [output.text for output in outputs[0] if output.get("name") == "stdout"]
    assert "points" in printed[0]
