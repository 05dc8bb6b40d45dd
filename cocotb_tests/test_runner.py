# ruff: noqa: D103
"""Builds are made once, found again, and fail with one line that names the log."""

import pytest

from cocotb_tests import runner, tools

GOOD = "module tb(input clk); wire x = clk; endmodule\n"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "tb.v"
    path.write_text(GOOD)
    return path


def test_a_build_is_reused_until_something_changes(source, tmp_path, icarus):
    first = runner.build([source], top="tb", simulator="icarus", build_dir=tmp_path / "b")
    marker = first.directory / "marker"
    marker.touch()
    again = runner.build([source], top="tb", simulator="icarus", build_dir=tmp_path / "b")
    assert again == first
    assert marker.exists()
    waves = runner.build(
        [source], top="tb", simulator="icarus", build_dir=tmp_path / "b", waves=True
    )
    assert waves.directory != first.directory
    source.write_text(GOOD + "// changed\n")
    changed = runner.build([source], top="tb", simulator="icarus", build_dir=tmp_path / "b")
    assert changed.directory != first.directory


def test_a_failed_build_names_its_log_and_is_made_again(source, tmp_path, icarus):
    source.write_text("module tb(input clk); assign y = ; endmodule\n")
    for _ in range(2):
        with pytest.raises(runner.RtlBuildError, match=r"build failed, see .*build\.log: .*syntax"):
            runner.build([source], top="tb", simulator="icarus", build_dir=tmp_path / "b")


def test_a_path_with_a_space_is_left_for_another(tmp_path):
    spaced = runner.usable_folder(tmp_path / "with space")
    assert " " not in str(spaced)
    assert spaced.is_dir()
    assert spaced == runner.usable_folder(tmp_path / "with space")
    assert runner.usable_folder(tmp_path / "without") == tmp_path / "without"


def test_a_missing_simulator_is_told_with_its_remedy(monkeypatch, tmp_path):
    tools.tool_version.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(tools.ToolMissingError, match="iverilog is not installed; apt-get install"):
        tools.tool_version("icarus")
    monkeypatch.undo()
    tools.tool_version.cache_clear()


def test_an_unknown_simulator_is_refused():
    with pytest.raises(ValueError, match="must be one of verilator, icarus, not 'questa'"):
        tools.tool_version("questa")
