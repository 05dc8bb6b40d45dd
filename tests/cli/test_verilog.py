"""`verilog` writes the engine's files, needs no torch, and refuses before it works."""

import json
import subprocess
import sys

from sparsespike.contract.config import load_engine

SMALLEST = "clusters = 1\nlanes = 1\nchunk = 4\nattention_units = 1\n"


def test_the_files_of_an_engine_without_torch(tmp_path):
    (tmp_path / "mine.toml").write_text(SMALLEST)
    words = ["verilog", "--engine", "mine.toml", "-o", "out/rtl", "--json", "result.json"]
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from sparsespike.cli.main import main\n"
        f"raise SystemExit(main({words!r}))"
    )
    command = [sys.executable, "-W", "ignore", "-c", script]
    outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["meta"]["config_hash"] == load_engine(tmp_path / "mine.toml").hash
    for file in result["files"]:
        assert (tmp_path / file["path"]).stat().st_size == file["bytes"] > 0
        assert file["path"] in outcome.stdout
    [rtl] = (tmp_path / "out" / "rtl" / "rtl").glob("*.v")
    text = rtl.read_text()
    assert "belongs to its user" in text.splitlines()[1]
    assert "endmodule" in text
    assert str(tmp_path) not in text


def test_no_json_folder_means_no_verilog(refused):
    refused(["verilog", "-o", "{}/out", "--json", "{}/no/a.json"], ["--json", "{}/no"])
