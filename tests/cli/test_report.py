"""`report` writes a page, its Markdown and its tables, and refuses what is none of its inputs."""

import json
import re
from decimal import Decimal

import pandas as pd
import pytest

from model import zoo
from sparsespike.cli.report_runs import wilson

TABLES = {
    "counters", "energy", "components", "entries", "layers", "causes", "roofline", "quantities",
    "technologies", "peers", "ladder", "accuracy",
}  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    from sparsespike.cli.main import main

    folder = tmp_path_factory.mktemp("report")
    check = {
        "bit_exact": True,
        "cycle_exact": False,
        "simulator": "verilator",
        "logits_rtl": [[1, 2]],
        "layers": [
            {"name": "conv0", "mismatches": 0, "cycles_rtl": 120, "cycles_sim": 121,
             "counters_equal": True}
        ],
    }  # fmt: skip
    (folder / "cosim.json").write_text(json.dumps(check))
    words = ["report", "-o", folder / "page.html", "--network", "tiny", "--engine", "micro"]
    words += ["--images", "2", "--cosim", folder / "cosim.json", "--json", folder / "page.json"]
    assert main([str(word) for word in words]) == 0
    return folder


def test_the_page_needs_nothing_else(written):
    text = (written / "page.html").read_text()
    assert text.startswith("<!doctype html>")
    head = text[: text.index("<script>")]
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", head)
    assert "NOT cycle-exact" in head
    assert "Bit-exact" in head


@pytest.mark.parametrize("table, column", [("component", 3), ("entry", 4), ("layer | cycles", 4)])
def test_shown_parts_add_up_on_the_page(written, table, column):
    text = (written / "page.md").read_text()
    start = text.rindex(f"| {table} |")
    lines = text[start:].split("\n\n")[0].splitlines()
    cells = [line.split("|")[column].strip(" *") for line in lines[2:]]
    assert lines[-1].startswith("| **total**")
    figures = [Decimal(cell.replace(",", "")) for cell in cells]
    assert len(figures) > 4
    assert sum(figures[:-1]) == figures[-1] > 0


def test_tables_are_tidy_in_both_formats(written):
    folder = written / "page-tables"
    assert {path.stem for path in folder.iterdir()} == TABLES
    for name in TABLES:
        parquet, csv = pd.read_parquet(folder / f"{name}.parquet"), folder / f"{name}.csv"
        assert len(parquet) == len(pd.read_csv(csv)) > 0
        assert not [column for column in parquet if str(column).startswith("Unnamed")]
    ladder = pd.read_parquet(folder / "ladder.parquet")
    assert ladder["step"].tolist() == ["dense", "spikes", "weights", "tokens"]
    assert ladder["cycles"].is_monotonic_decreasing
    assert ladder["how"].str.startswith("simulated").all()


def test_the_json_has_figures_and_hashes(written):
    result = json.loads((written / "page.json").read_text())
    assert len(result["meta"]["config_hash"]) == 64
    assert {"quantity", "value", "unit"} == set(result["quantities"][0])
    joule = result["energy_per_image_joule"]
    for parts in (result["layers"], result["energy_by_component"]):
        assert sum(part["energy_per_image_joule"] for part in parts) == pytest.approx(joule)
    speed, work = result["throughput"], result["synops_per_image"]
    for key in ("fps", "latency_ms", "effective_gsops", "dense_gsops", "effective_gsops_per_watt",
                "dense_gsops_per_watt"):  # fmt: skip
        assert speed[key] > 0
    assert work["dense"] > work["effective_acs"] > 0
    assert result["sparsity"]["weights"] == pytest.approx(
        zoo.load_integer("tiny").weight_sparsity()
    )
    assert result["static_energy_per_image_joule"]["joule"] > 0


def test_page_and_markdown_name_every_figure(written):
    for name in ("page.html", "page.md"):
        text = (written / name).read_text()
        for word in ("frames/s", "latency", "effective throughput", "dense-equivalent throughput",
                     "GSOP/s/W", "mean firing rate", "sparsity of weights", "silent words",
                     "effective accumulates", "in place of multiply-accumulates"):  # fmt: skip
            assert word in text, (name, word)


def test_a_note_stands_beside_our_row(run, tmp_path):
    words = ["report", "-o", tmp_path / "page.html", "--network", "tiny", "--engine", "micro"]
    words += ["--images", "1", "--accuracy-images", "0", "--note", "random ticket, not trained"]
    assert run(*words).code == 0
    peers = pd.read_parquet(tmp_path / "page-tables" / "peers.parquet")
    assert peers["caveat"][0].startswith("random ticket, not trained; ")
    assert (tmp_path / "page.html").read_text().count("random ticket, not trained") >= 3


def test_a_network_file_without_accuracy(run, tmp_path):
    source = zoo.integer_path("tiny")
    (tmp_path / "mine.int8.npz").write_bytes(source.read_bytes())
    words = ["report", "-o", tmp_path / "page.html", "--network", tmp_path / "mine.int8.npz"]
    words += ["--engine", "micro", "--images", "1", "--accuracy-images", "0"]
    assert run(*words).code == 0
    text = (tmp_path / "page.html").read_text()
    assert "<title>mine " in text
    assert "accuracy was not measured" in text
    assert str(tmp_path) not in text
    assert not (tmp_path / "page-tables" / "accuracy.csv").exists()


def test_a_check_that_is_none(refused, tmp_path):
    (tmp_path / "other.json").write_text("{}")
    refused(["report", "--cosim", "{}/other.json"], ["--cosim {}/other.json", "cosim --json"])
    refused(["report", "--cosim", "{}/absent.json"], ["--cosim {}/absent.json"])


def test_an_output_in_no_folder(refused):
    refused(["report", "-o", "{}/none/page.html"], ["--output {}/none/page.html"])


def test_wilson_interval_by_hand():
    # 8 of 10: Wilson (1927), z = 1.96: 0.490 to 0.943
    low, high = wilson(8, 10)
    assert low == pytest.approx(0.490, abs=1e-3)
    assert high == pytest.approx(0.943, abs=1e-3)
