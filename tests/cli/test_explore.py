"""`explore` finds fronts, keeps what it evaluated, and refuses what is none of its inputs."""

import html
import json

import optuna
import pandas as pd
import pytest

from model import zoo
from sparsespike.cli.explore_code import code_version
from sparsespike.cli.explore_networks import NetworkVariants
from sparsespike.contract.config import load_engine
from sparsespike.contract.errors import ContractError

SPACE = """\
objectives = ["fps", "energy_uj", "lut", "accuracy_drop"]
best = "energy_uj"
limits.fps = { min = 15000 }
[base]
network = "tiny"
engine = "micro"
images = 2
accuracy_images = 16
[engine]
lanes = [1, 2, 4]
chunk = [4, 8, 12]
spike_depth = [128, 8192]
[network]
keep_ratio = [1.0, 0.5]
"""
POINTS = 36


@pytest.fixture(scope="module")
def explored(tmp_path_factory):
    """The space explored once: its folder, with the JSON of the first and of a second run."""
    from sparsespike.cli.main import main

    folder = tmp_path_factory.mktemp("explore")
    (folder / "mine.toml").write_text(SPACE)
    for name in ("first", "second"):
        words = ["explore", folder / "mine.toml", "-o", folder / "out", "--workers", "0"]
        assert main([str(word) for word in [*words, "--json", folder / f"{name}.json"]]) == 0
    return folder


def _json(folder, name):
    return json.loads((folder / f"{name}.json").read_text())


def test_every_point_is_recorded_once(explored):
    first, second = _json(explored, "first"), _json(explored, "second")
    assert (first["evaluated"], first["new"], first["reused"]) == (POINTS, POINTS, 0)
    assert (second["evaluated"], second["new"], second["reused"]) == (POINTS, 0, POINTS)
    assert second["pareto"] == first["pareto"]
    assert first["points_per_second"] > 0
    assert len(first["meta"]["space_hash"]) == 64


def test_infeasible_points_say_why(explored):
    table = pd.read_parquet(explored / "out" / "points.parquet")
    assert len(table) == POINTS
    refused = table[~table["feasible"]]
    small = refused[(refused["spike_depth"] == 128) & (refused["chunk"] != 12)]
    assert len(small) == 12
    assert small["reason"].str.contains("spike_depth").all()
    odd = refused[refused["chunk"] == 12]
    assert (odd["reason"] == "engine: chunk must be a power of two, not 12").all()
    assert refused["fps"].isna().all()
    assert not refused["pareto"].any()


def test_the_best_point_keeps_the_limit(explored):
    table = pd.read_parquet(explored / "out" / "points.parquet")
    best = _json(explored, "first")["best"]
    kept = table[table["feasible"] & (table["fps"] >= 15000)]
    assert best["energy_uj"] == pytest.approx(kept["energy_uj"].min())
    assert best["fps"] >= 15000
    assert 0 < len(kept) < table["feasible"].sum()


def test_sensitivity_moves_one_knob(explored):
    around = pd.read_parquet(explored / "out" / "sensitivity.parquet")
    best = _json(explored, "first")["best"]
    own = around[around["own"]]
    assert dict(zip(own["knob"], own["value"], strict=True)) == best["knobs"]
    assert (own["energy_uj"] == best["energy_uj"]).all()
    assert around.groupby("knob").size().to_dict() == {
        "lanes": 3, "chunk": 3, "spike_depth": 2, "network.keep_ratio": 2,
    }  # fmt: skip


def test_the_page_has_an_engine_that_verilog_takes(explored, tmp_path):
    text = (explored / "out" / "report.html").read_text()
    start = text.index('<pre id="engine-toml">') + len('<pre id="engine-toml">')
    shown = html.unescape(text[start : text.index("</pre>", start)])
    (tmp_path / "best.toml").write_text(shown)
    engine = load_engine(tmp_path / "best.toml")
    assert engine.hash == _json(explored, "first")["best"]["config_hash"]


def test_the_study_opens_in_optuna(explored):
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(explored / "out" / "study.journal"))
    )
    study = optuna.load_study(study_name=None, storage=storage)
    assert len(study.trials) == POINTS
    states = [trial.state.name for trial in study.trials]
    assert states.count("COMPLETE") == 12
    assert len(study.best_trials) == len(_json(explored, "first")["pareto"])
    assert study.trials[0].params == {
        "lanes": 1, "chunk": 4, "spike_depth": 128, "network.keep_ratio": 1.0,
    }  # fmt: skip


def test_accuracy_is_that_of_the_integer_network(explored):
    from model.evaluate import evaluate_integer
    from sparsespike.cli.inputs import load_images

    table = pd.read_parquet(explored / "out" / "points.parquet")
    for ratio in (1.0, 0.5):
        net = NetworkVariants("tiny").variant({"keep_ratio": ratio})
        score = evaluate_integer(net, load_images(None, 16, net.config))
        rows = table[table["feasible"] & (table["network.keep_ratio"] == ratio)]
        assert (rows["accuracy"] == score.accuracy).all()
        assert (rows["accuracy_low"] <= rows["accuracy"]).all()


def test_a_dry_run_says_what_it_takes_and_leaves_nothing(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(SPACE)
    outcome = run("explore", "mine.toml", "--dry-run", "--workers", "3")
    assert outcome.code == 0
    assert outcome.out.startswith("36 points (grid); 2 networks; 3 workers: about ")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


def test_a_dry_run_knows_what_is_done(run, explored):
    outcome = run("explore", explored / "mine.toml", "-o", explored / "out", "--dry-run")
    assert "36 points (grid), 36 known already" in outcome.out


def test_trials_and_storage(run, explored, tmp_path):
    (tmp_path / "mine.toml").write_text(SPACE + '[search]\nsampler = "random"\n')
    url = f"sqlite:///{tmp_path}/study.db"
    words = ["explore", tmp_path / "mine.toml", "-o", tmp_path / "out", "--workers", "0"]
    outcome = run(*words, "--trials", "5", "--storage", url, "--json", tmp_path / "five.json")
    assert outcome.code == 0, outcome.err
    assert len(optuna.load_study(study_name=None, storage=url).trials) == 5
    table = pd.read_parquet(tmp_path / "out" / "points.parquet")
    assert (table["origin"] == "search").sum() == 5
    assert _json(tmp_path, "five")["evaluated"] == len(table)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["nowhere.toml"], ["space 'nowhere.toml'", "quick"]),
        (["quick", "--trials", "9"], ["--trials", "grid"]),
        (["quick", "--trials", "x"], ["'x' is not a whole number"]),
        (["quick", "--workers", "-1"], ["--workers", "-1"]),
        (["quick", "--verify-front", "-1"], ["--verify-front", "-1"]),
        (["quick", "--workers", "2", "--scheduler", "tcp://h:1"], ["--workers 2"]),
        (["quick", "-o", "{}/mine.toml"], ["--output {}/mine.toml"]),
        (["{}/mine.toml"], ["mine.toml, line 2, engine.lane", "fields are"]),
    ],
)
def test_bad_input(refused, tmp_path, words, expected):
    (tmp_path / "mine.toml").write_text("[engine]\nlane = 3\n")
    refused(["explore", *words], expected)


def test_two_runs_cannot_share_a_folder(run, explored):
    from reports.explore.store import Store

    with Store(explored / "out" / "points.sqlite"):
        outcome = run("explore", explored / "mine.toml", "-o", explored / "out")
    assert outcome.code == 2
    assert "another exploration is writing here" in outcome.err


def test_variants_are_what_their_names_say():
    variants = NetworkVariants("nano")
    own = variants.variant({})
    assert variants.variant({"keep_ratio": own.config.keep_ratio}) is own
    assert variants.variant({"weight_bits": 8}).content_hash() == own.content_hash()
    narrow = variants.variant({"weight_bits": 4})
    assert max(abs(int(x.weight.max(initial=0))) for x in narrow.layers) <= 7
    sparser = variants.variant({"weight_sparsity": 0.95})
    assert 0.95 <= sparser.weight_sparsity() < 0.97
    none = variants.variant({"selectors": 0})
    assert not none.config.selector_blocks
    assert none.content_hash() == variants.variant({"keep_ratio": 1.0}).content_hash()


@pytest.mark.parametrize(
    ("name", "knobs", "expected"),
    [
        ("nano", {"weight_sparsity": 0.5}, "not above the checkpoint's own 0.90"),
        ("nano", {"selectors": 5}, "use at most as many"),
        ("tiny", {"weight_bits": 4}, "no float checkpoint"),
    ],
)
def test_variants_that_are_none(name, knobs, expected):
    assert name in zoo.names()
    with pytest.raises(ContractError, match=expected):
        NetworkVariants(name).variant(knobs)


def test_the_code_version_is_stable():
    assert code_version() == code_version()
    assert len(code_version()) == 64


@pytest.fixture
def rtl(monkeypatch):
    """Stands in for the co-simulation: a list of its calls; `wrong` is added to its cycles."""
    from types import SimpleNamespace

    import cocotb_tests.cosim
    from sim import simulate

    calls = SimpleNamespace(engines=[], wrong=0)

    def run_cosim(network, program, images, **options):
        calls.engines.append(program.engine.hash)
        assert len(images) == 1
        cycles = int(simulate(program, images).cycles.sum())
        return SimpleNamespace(
            bit_exact=True, cycle_exact=not calls.wrong, rtl_cycles=cycles + calls.wrong,
            rtl_build_seconds=1.0, rtl_wall_seconds=2.0, first_mismatch="",
        )  # fmt: skip

    monkeypatch.setattr(cocotb_tests.cosim, "run_cosim", run_cosim)
    return calls


def _verify(run, explored, folder, count):
    words = ["explore", explored / "mine.toml", "-o", folder, "--workers", "0"]
    words += ["--verify-front", count, "--json", explored / "check.json"]
    return run(*words), words


def test_the_front_is_checked_once(run, explored, rtl):
    outcome, _ = _verify(run, explored, explored / "out", 2)
    assert outcome.code == 0, outcome
    checks = _json(explored, "check")["verified"]
    assert [check["exact"] for check in checks] == [True, True]
    best = _json(explored, "first")["best"]
    assert checks[0]["point"] == best["point"]
    assert rtl.engines[0] == best["config_hash"]
    assert all(check["cycles_rtl"] == check["cycles_recorded"] for check in checks)
    assert "bit- and cycle-exact" in (explored / "out" / "report.html").read_text()
    assert _verify(run, explored, explored / "out", 2)[0].code == 0
    assert len(rtl.engines) == 2


def test_a_front_that_differs_is_a_failed_check(run, explored, rtl, tmp_path):
    import shutil

    shutil.copytree(explored / "out", tmp_path / "out")
    rtl.wrong = 1
    # One more than were checked before: the new one is wrong.
    outcome, _ = _verify(run, explored, tmp_path / "out", 3)
    assert outcome.code == 1
    assert "DIFFERS" in outcome.out
    assert [check["exact"] for check in _json(explored, "check")["verified"]].count(False) >= 1
