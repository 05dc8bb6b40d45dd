"""The page on accuracy: figures are those of the sources, nothing without one, same bytes."""

import json
import re
import shutil

import pytest
import torch

from bench import accuracy
from bench.accuracy_measure import measure, read_controls, trained_networks
from model import zoo
from model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from model.evaluate import evaluate_float, evaluate_integer
from model.network import Spikformer
from reports.accuracy.published import MARKS, PUBLISHED, SOURCES
from sparsespike.contract.errors import ContractError

torch.set_num_threads(1)
IMAGES = 12
ARMS = ("ticket", "one-shot", "random masks", "selector", "random tokens")
CONTROLS = [
    {"arm": arm, "seed": seed, "accuracy": 0.5 + (3 - rank) / 100 + seed / 1000, "epochs": 3,
     "time_steps": 1}
    for rank, arm in enumerate(ARMS)
    for seed in range(3)
]  # fmt: skip


class Built:
    """A zoo of nano alone, what was measured in it, and the page made of that."""

    def __init__(self, folder, images, *, optional):
        self.zoo, self.out = folder / "zoo", folder / "docs"
        self.zoo.mkdir()
        sample = zoo.sample_images().first(images)
        for suffix in ("safetensors", "int8.npz", "json"):
            shutil.copy(zoo.ZOO / f"nano.{suffix}", self.zoo)
        if optional:
            dense = load_checkpoint(zoo.float_path("nano"))
            torch.manual_seed(0)
            network = Spikformer(dense.network.config)
            save_checkpoint(Checkpoint(network, dense.pixels), self.zoo / "nano-dense.safetensors")
            (self.zoo / "nano.controls.json").write_text(json.dumps({"arms": CONTROLS}))
            (self.zoo / "nano.training.json").write_text("[]")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(zoo, "ZOO", self.zoo)
            self.net = measure("nano", sample, f"{images} images")
        self.paths = accuracy.write_page([self.net], self.out)
        self.page = (self.out / "accuracy.md").read_text()

    def rows(self, heading):
        """Cells of the rows of all tables below `heading`, by their first cell."""
        part = re.split(r"\n#+ ", self.page.split(f"# {heading}\n")[1])[0]
        lines = [line.strip("|").split(" | ") for line in part.splitlines() if line[:1] == "|"]
        return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines}


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return Built(tmp_path_factory.mktemp("full"), IMAGES, optional=True)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    return Built(tmp_path_factory.mktemp("bare"), 2, optional=False)


def test_accuracies_are_those_of_card_and_evaluation(full):
    rows, card, sample = full.rows("Accuracy"), zoo.card("nano"), zoo.sample_images().first(IMAGES)
    checkpoint = load_checkpoint(zoo.float_path("nano"))
    given = evaluate_float(checkpoint.network, checkpoint.pixels, sample)
    whole = evaluate_integer(zoo.load_integer("nano"), sample).accuracy
    assert rows["float (shipped)"][:2] == [f"{100 * card['accuracy_float']:.2f} %", _two(given)]
    shipped = rows["integer, 8 bit weights (shipped)"]
    assert shipped[:2] == [f"{100 * card['accuracy_integer']:.2f} %", _two(whole)]
    assert int(shipped[2]) == whole * IMAGES
    assert rows["integer, 4 bit weights"][0] in ("not measured", _bits(card, "4"))


def test_densities_sum_up_to_the_sparsity_of_the_card(full):
    rows = full.rows("Weights")
    layers = [
        cells for name, cells in rows.items() if "." in name or name[:4] in ("conv", "rpe", "head")
    ]
    weights, nonzero = (sum(_whole(cells[i]) for cells in layers) for i in (0, 1))
    assert [weights, nonzero] == [_whole(cell) for cell in rows["**all**"][:2]]
    assert 1 - nonzero / weights == zoo.card("nano")["weight_sparsity"]
    assert full.net.weight_sparsity() == zoo.card("nano")["weight_sparsity"]


def test_operations_are_those_of_the_evaluation(full):
    score = evaluate_integer(zoo.load_integer("nano"), zoo.sample_images().first(IMAGES))
    total = full.rows("Spikes and operations")["**all**"]
    assert total[1:3] == [f"{score.synops_per_image:,.0f}", f"{score.macs_per_image:,.0f}"]
    assert _whole(total[3]) == full.net.gflops * 1e9


def test_tokens_are_those_of_the_config(full):
    rows, config = full.rows("Tokens"), full.net.config
    for block, tokens in enumerate(config.kept_tokens()):
        assert rows[f"block {block}"][1:] == [str(tokens), _two(tokens / config.tokens())]
    for maps in full.net.measured.kept.values():
        assert set(maps.sum((1, 2))) <= set(config.kept_tokens())


def test_masks_with_and_without_floor_stand_side_by_side(full):
    rows = full.rows("What the density floor is for")
    found = {
        layer: (_whole(cells[1]), _whole(cells[3]))
        for layer, cells in rows.items()
        if cells[1][:1].isdigit()
    }
    for floor, column in ((0.0, 0), (0.03, 1)):
        part = full.net.floor[full.net.floor["floor"] == floor]
        assert [pair[column] for pair in found.values()] == part["nonzero"].tolist()
        assert list(found) == part["layer"].tolist()
    assert sum(a for a, _ in found.values()) == sum(b for _, b in found.values())


def test_controls_have_mean_lowest_and_highest(full):
    rows = full.rows("What the ticket and the selector are worth")
    assert rows["ticket"] == ["3 epochs, T = 1", "3", "53.10 %", "53.00 %", "53.20 %"]
    assert rows["random tokens"][2:] == ["49.10 %", "49.00 %", "49.20 %"]
    assert "ticket against random masks: +2.00 points in the mean, better from 3 of 3" in full.page
    assert "selector against random tokens: +1.00 points" in full.page


def test_absent_records_are_said_to_be_absent(bare):
    assert (bare.net.floor, bare.net.controls, bare.net.record) == (None, None, None)
    assert "needs the dense checkpoint `model/zoo/nano-dense.safetensors`, which is" in bare.page
    assert "Not measured: the record `model/zoo/nano.controls.json` is absent." in bare.page
    assert not (bare.out / "figures" / "nano-floor.svg").exists()
    assert not (bare.out / "figures" / "nano-controls.svg").exists()


def test_nothing_is_shown_without_a_source(full, bare):
    for built in (full, bare):
        shown = re.findall(r"!\[.+\]\((.+)\)\n\n\*Source: .+\*\n", built.page)
        assert len(shown) == built.page.count("![")
        assert {built.out / path for path in shown} == set(built.paths[1:])
        assert all(path.stat().st_size > 0 for path in built.paths)
        tables = re.findall(r"\n\n(?:\|.+\n)+\n\*Source: .+\*\n", built.page)
        assert len(tables) == built.page.count("\n| ---")


def test_papers_figures_stand_beside_ours_with_source_and_mark(full):
    tail = full.page.split("## Beside the papers")[1]
    assert "much smaller network" in tail
    for row in PUBLISHED:
        assert row.source in SOURCES
        assert row.mark in MARKS
        begin, accuracy_cell = (
            f"| {row.what} | {row.depth}-{row.dim} |",
            f"| {row.accuracy:.2f} % |",
        )
        line = next(x for x in tail.splitlines() if x.startswith(begin) and accuracy_cell in x)
        assert line.endswith(f"| {row.source} [{row.mark}] |")
        computed = float(line.split(" | ")[7])
        assert row.gflops is None or abs(computed - row.gflops) < 0.04
    assert "2311.08806" in tail


def test_the_same_results_give_the_same_bytes(full, tmp_path):
    again = accuracy.write_page([full.net], tmp_path)
    assert [path.name for path in again] == [path.name for path in full.paths]
    for new, old in zip(again, full.paths, strict=True):
        assert new.read_bytes() == old.read_bytes(), new.name


def test_pictures_are_small(full):
    for path in full.paths[1:]:
        assert path.stat().st_size < 200_000, path.name


def test_the_command_writes_the_page_of_the_shipped_zoo(tmp_path, capsys):
    assert accuracy.main(["--images", "2", "--out", str(tmp_path)]) == 0
    page = (tmp_path / "accuracy.md").read_text()
    assert all(f"## {name}\n" in page for name in trained_networks())
    assert "2 sample images" in page
    assert str(tmp_path / "accuracy.md") in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--data", "nowhere"], "nowhere: no such"), (["--images", "0"], "images must be in 1..256")],
)
def test_bad_input_is_one_line(arguments, message, tmp_path, capsys):
    assert accuracy.main([*arguments, "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_the_card_of_another_network_is_refused(bare, monkeypatch):
    monkeypatch.setattr(zoo, "ZOO", bare.zoo)
    card = zoo.card("nano") | {"integer_sha256": "0"}
    monkeypatch.setattr(zoo, "card", lambda _: card)
    with pytest.raises(ContractError, match="the card of another network"):
        measure("nano", bare.net.measured, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a list of control results"),
        ("[]", "not a list of control results"),
        ('{"arms": []}', "a row lacks"),
        ('{"arms": [{"arm": "ticket", "seed": 0}]}', "a row lacks"),
        (json.dumps({"arms": [CONTROLS[0] | {"arm": "luck"}]}), "unknown arm 'luck'"),
    ],
)
def test_damaged_controls_are_refused(text, message, tmp_path):
    path = tmp_path / "nano.controls.json"
    path.write_text(text)
    with pytest.raises(ContractError, match=message):
        read_controls(path)


def _two(share):
    return f"{100 * share:.2f} %"


def _bits(card, bits):
    return _two(card.get("accuracy_by_bits", {}).get(bits, 0))


def _whole(cell):
    return int(cell.replace(",", ""))
