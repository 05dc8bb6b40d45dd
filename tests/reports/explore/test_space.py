"""SPACE files: what they spell, and that a wrong one is refused with its line and key."""

import pytest

from reports.explore.knobs import knob_values
from reports.explore.rules import Rule
from reports.explore.space_file import load_space, spaces
from reports.explore.toml_lines import line_of
from sparsespike.contract.errors import ContractError

GOOD = """\
objectives = ["fps", "lut"]
best = "lut"
constraints = [
    "clusters * lanes <= 32",
    "lanes >= 4 or chunk == 8",
]
[limits]
fps = { min = 100 }
[base]
network = "nano"
engine = "small"
[engine]
lanes = [2, 4]
clusters = { from = 1, to = 8, factor = 2 }
chunk = 8
[engine.fifo_depth]
from = 2
to = 8
step = 3
[network]
keep_ratio = { from = 0.5, to = 0.7, step = 0.1 }
weight_bits = [4, 8]
[search]
sampler = "nsga2"
trials = 50
"""


@pytest.fixture
def load(tmp_path):
    def _load(text):
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return load_space(path)

    return _load


def test_a_space_and_its_points(load):
    space = load(GOOD)
    assert space.name == "mine"
    assert space.engine["clusters"] == (1, 2, 4, 8)
    assert space.engine["fifo_depth"] == (2, 5, 8)
    assert space.network["keep_ratio"] == (0.5, 0.6, 0.7)
    assert space.size() == 2 * 4 * 1 * 3 * 3 * 2
    assert all(map(space.allows, space.combinations()))
    first = next(space.combinations())
    assert first.values == (0.5, 4, 2, 1, 8, 2)
    assert (first.engine["clusters"], first.engine["attention_units"]) == (1, 1)
    # Lanes as wide as the network's weights, where the engine's width is no knob.
    assert first.engine["weight_bits"] == 4
    assert first.network == {"keep_ratio": 0.5, "weight_bits": 4}


def test_shipped_spaces_load():
    assert "quick" in spaces()
    for name in spaces():
        space = load_space(name)
        assert any(map(space.allows, space.combinations()))


def test_the_hash_is_that_of_points_and_order(load):
    assert load(GOOD).hash == load(GOOD.replace("min = 100", "min = 7")).hash
    assert load(GOOD).hash != load(GOOD.replace("[2, 4]", "[4, 2]")).hash


BAD = {
    "syntax": ("lanes = [2, 4]", "lanes = [2, 4", ["line 14", "not valid TOML"]),
    "unknown table": ("[search]", "[searches]", ["line 23, searches", "keys are: name, base"]),
    "unknown key": ("trials =", "trails =", ["line 25, search.trails", "sampler, trials"]),
    "engine field": ("lanes = [2", "lane = [2", ["line 13, engine.lane", "fields are: clusters"]),
    "network knob": ("weight_bits", "bits", ["line 22, network.bits", "fields are: keep_ratio"]),
    "wrong type": ("trials = 50", 'trials = "x"', ["line 25, search.trials", "'x'", "integer"]),
    "no number": ("[2, 4]", '[2, "4"]', ["line 13, engine.lanes", "'4' is not a number"]),
    "boolean": ("chunk = 8", "chunk = true", ["line 15, engine.chunk", "is not a number"]),
    "empty": ("[2, 4]", "[]", ["line 13, engine.lanes", "at least one value"]),
    "twice": ("[2, 4]", "[2, 2]", ["line 13, engine.lanes", "2 stands twice"]),
    "no such engine": ("lanes = [2, 4]", "lanes = [0, 4]", ["line 13, engine.lanes", "0: "]),
    "range end": ("to = 8, f", "two = 8, f", ["line 14, engine.clusters", "'two'"]),
    "range order": ("to = 8, f", "to = 0, f", ["line 14, engine.clusters", "below from"]),
    "range kind": ("factor = 2 }", "factor = 2, step = 1 }", ["line 14", "step or factor"]),
    "range step": ("step = 3", "step = 0", ["line 16, engine.fifo_depth", "positive, not 0"]),
    "keep ratio": ("from = 0.5", "from = 0.0", ["line 21, network.keep_ratio", "0 < r <= 1"]),
    "weight bits": ("[4, 8]", "[4, 5]", ["line 22, network.weight_bits", "4, 6 or 8"]),
    "objective": ('"fps", "lut"]', '"speed"]', ["line 1, objectives", "'speed'", "fps, latency"]),
    "limit": ("fps = {", "speed = {", ["line 7, limits", "'speed'"]),
    "limit key": ("min = 100", "least = 100", ["line 8, limits.fps.least", "min, max"]),
    "no limit": ("{ min = 100 }", "{}", ["line 8, limits.fps", "give min or max"]),
    "best": ('best = "lut"', 'best = "luts"', ["line 2, best", "'luts'"]),
    "rule name": ("chunk == 8", "chunks == 8", ["line 3, constraints", "'chunks'", "names are"]),
    "rule syntax": ("chunk == 8", "chunk = 8", ["line 3, constraints", "not a condition"]),
    "rule call": ("chunk == 8", "open('x')", ["line 3, constraints", "cannot stand"]),
    "nothing allowed": ("<= 32", "<= 0", ["line 3, constraints", "no combination keeps them"]),
    "sampler": ('"nsga2"', '"ga"', ["line 24, search.sampler", "'ga'", "'grid'"]),
    "engine name": ('"small"', '"smal"', ["line 11, base.engine", "presets: "]),
    "target": ('"nano"', '"nano"\ntarget = "asic"', ["line 11, base.target", "'asic'", "xc7"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_spaces_name_line_and_key(load, tmp_path, case):
    right, wrong, expected = BAD[case]
    assert GOOD.count(right) == 1, right
    with pytest.raises(ContractError) as refused:
        load(GOOD.replace(right, wrong))
    message = str(refused.value)
    assert "\n" not in message
    for word in (str(tmp_path / "mine.toml"), *expected):
        assert word in message, message


def test_no_such_space():
    with pytest.raises(ContractError, match=r"choose one of .*quick"):
        load_space("quik")


def test_ranges_meet_their_ends():
    assert knob_values({"from": 0.1, "to": 0.3, "step": 0.1}) == (0.1, 0.2, 0.3)
    assert knob_values({"from": 3, "to": 50, "factor": 2}) == (3, 6, 12, 24, 48)
    assert knob_values({"from": 5, "to": 5, "step": 1}) == (5,)
    assert knob_values(7) == (7,)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("a * b <= 6", True),
        ("a + b == 6", False),
        ("not a > 2 and b % 2 == 1", True),
        ("1 < a < b", True),
        ("max(a, b) // 2 == 1 or a / 0 > 1", True),
        ("a / 0 > 1", False),
        ("-a < 0", True),
    ],
)
def test_rules(text, holds):
    assert Rule(text, ("a", "b")).holds({"a": 2, "b": 3}) is holds


@pytest.mark.parametrize("text", ["a", "a + 1", "a.real > 1", "a > 'x'", "c > 1", "a[0] > 1", ""])
def test_what_is_no_rule(text):
    with pytest.raises(ValueError, match="'"):
        Rule(text, ("a", "b"))


def test_lines_of_keys():
    text = 'a = 1\n[t]\n"b c" = [\n  1,\n  2 ]\nd.e = "[" # [\nf = 2\n[[r]]\nx = 1\n[[r]]\nx = 2\n'
    places = {("a",): 1, ("t",): 2, ("t", "b c", 1): 3, ("t", "d", "e"): 6, ("t", "f"): 7}
    for path, line in {**places, ("r", 1, "x"): 11, ("r", 0): 8}.items():
        assert line_of(text, path) == line
    assert line_of(text, ("nowhere",)) is None
